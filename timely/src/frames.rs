//! Where timely's messages begin and end in a stream of bytes.
//!
//! A message is a header of six big-endian numbers of eight bytes, the fifth of which is the length
//! of what follows. A length of nought ends the stream.

const HEADER: usize = 48;
const LENGTH: std::ops::Range<usize> = 32..40;

/// Follows a stream of messages, to know when it has ended.
#[derive(Debug)]
pub(crate) struct Frames {
    header: [u8; HEADER],
    filled: usize,
    body: u64,
    ended: bool,
}

impl Frames {
    pub(crate) fn new() -> Self {
        Self { header: [0; HEADER], filled: 0, body: 0, ended: false }
    }

    /// Returns whether the message that ends the stream is complete.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Takes the next bytes, up to the end of the stream, and returns their number.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() && !self.ended {
            if self.body > 0 {
                let skipped = usize::try_from(self.body).map_or(rest.len(), |n| n.min(rest.len()));
                self.body -= skipped as u64;
                rest = &rest[skipped..];
                continue;
            }
            let taken = rest.len().min(HEADER - self.filled);
            self.header[self.filled..self.filled + taken].copy_from_slice(&rest[..taken]);
            self.filled += taken;
            rest = &rest[taken..];
            if self.filled == HEADER {
                self.filled = 0;
                self.body = self.header[LENGTH].iter().fold(0, |n, &byte| n << 8 | u64::from(byte));
                self.ended = self.body == 0;
            }
        }
        bytes.len() - rest.len()
    }
}

#[cfg(test)]
mod tests {
    use timely::communication::networking::MessageHeader;

    use super::Frames;

    fn message(length: usize) -> Vec<u8> {
        let header = MessageHeader {
            channel: usize::MAX,
            source: 7,
            target_lower: 1,
            target_upper: 2,
            length,
            seqno: usize::MAX,
        };
        let mut bytes = Vec::new();
        header.write_to(&mut bytes).unwrap();
        assert_eq!(bytes.len(), header.header_bytes());
        bytes.resize(header.required_bytes(), 0xff);
        bytes
    }

    #[test]
    fn messages_of_timely_are_followed_however_they_are_cut() {
        let stream = [message(1), message(300), message(8), message(0)].concat();
        for piece in 1..stream.len() {
            let mut frames = Frames::new();
            for (n, bytes) in stream.chunks(piece).enumerate() {
                assert!(!frames.ended(), "{n} pieces of {piece}");
                assert_eq!(frames.advance(bytes), bytes.len());
            }
            assert!(frames.ended());
        }
    }

    #[test]
    fn nothing_behind_the_end_is_taken() {
        let mut stream = [message(5), message(0)].concat();
        let length = stream.len();
        stream.extend([1, 2, 3]);
        let mut frames = Frames::new();
        assert_eq!(frames.advance(&stream), length);
        assert!(frames.ended());
        assert_eq!(frames.advance(&[4]), 0);
    }

    #[test]
    fn zeros_complete_a_torn_stream() {
        let stream = message(100);
        for torn in 0..stream.len() {
            let mut frames = Frames::new();
            frames.advance(&stream[..torn]);
            let zeros = (0..1 << 20).take_while(|_| !frames.ended() && frames.advance(&[0]) == 1);
            assert!(zeros.count() <= 48 + 256);
            assert!(frames.ended(), "torn at {torn}");
        }
    }
}
