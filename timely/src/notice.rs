//! What workers tell each other beside the items.
//!
//! Notices go over a channel of timely's that no frontier waits for. Between two workers they keep
//! their place among everything else that is sent: a notice is there before the progress that was
//! sent after it.

use std::io::Write;

use timely::bytes::arc::Bytes;
use timely::communication::Bytesable;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A scan has ended by itself: nobody sends it items any more.
    Ended { operator: u32, scan: u32 },
    /// The run ends. It is lost by a process, or cancelled.
    Halt { culprit: Option<u32> },
    /// A source waits for epochs before this one: who has no items goes there. If its input has
    /// `failed`, whole batches do not matter any more.
    Epoch { epoch: u64, failed: bool },
}

const SIZE: usize = 16;

impl Notice {
    fn encode(self) -> [u32; 4] {
        match self {
            Self::Ended { operator, scan } => [0, operator, scan, 0],
            Self::Halt { culprit: None } => [1, 0, 0, 0],
            Self::Halt { culprit: Some(process) } => [1, 1, process, 0],
            Self::Epoch { epoch, failed } => {
                [2, (epoch >> 32) as u32, epoch as u32, u32::from(failed)]
            }
        }
    }

    fn decode(words: [u32; 4]) -> Self {
        match words {
            [0, operator, scan, _] => Self::Ended { operator, scan },
            [1, 1, process, _] => Self::Halt { culprit: Some(process) },
            [2, high, low, failed] => {
                Self::Epoch { epoch: u64::from(high) << 32 | u64::from(low), failed: failed != 0 }
            }
            _ => Self::Halt { culprit: None },
        }
    }
}

impl Bytesable for Notice {
    fn from_bytes(bytes: Bytes) -> Self {
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = bytes.iter().fold(0, |n, &byte| n << 8 | u32::from(byte));
        }
        Self::decode(words)
    }

    fn length_in_bytes(&self) -> usize {
        SIZE
    }

    fn into_bytes<W: Write>(&self, writer: &mut W) {
        let bytes = self.encode().map(u32::to_be_bytes).concat();
        // Timely has reserved the room.
        drop(writer.write_all(&bytes));
    }
}

#[cfg(test)]
mod tests {
    use timely::bytes::arc::BytesMut;
    use timely::communication::Bytesable;

    use super::Notice;

    #[test]
    fn a_notice_is_read_as_it_was_written() {
        let notices = [
            Notice::Ended { operator: 3, scan: u32::MAX },
            Notice::Halt { culprit: None },
            Notice::Halt { culprit: Some(0) },
            Notice::Halt { culprit: Some(7) },
            Notice::Epoch { epoch: u64::MAX - 1, failed: false },
            Notice::Epoch { epoch: 0, failed: true },
        ];
        for notice in notices {
            let mut bytes = Vec::new();
            notice.into_bytes(&mut bytes);
            assert_eq!(bytes.len(), notice.length_in_bytes());
            let bytes = BytesMut::from(bytes).freeze();
            assert_eq!(Notice::from_bytes(bytes), notice);
        }
    }
}
