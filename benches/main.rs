//! The cost of a run, beside the sequential loop and beside other ways to give every item
//! to several threads. `README.md` has the groups and the figures.

mod aligned;
mod branches;
mod demux;
mod demux_text;
mod fan_out;
mod items;
mod lines;
mod many_scans;
mod outputs;
mod peers;
mod read_ahead;
mod start_stop;
mod support;
mod work;

fn main() {
    let mut criterion = support::criterion();
    start_stop::bench(&mut criterion);
    fan_out::bench(&mut criterion);
    outputs::bench(&mut criterion);
    branches::bench(&mut criterion);
    work::bench(&mut criterion);
    items::bench(&mut criterion);
    lines::bench(&mut criterion);
    many_scans::bench(&mut criterion);
    aligned::bench(&mut criterion);
    demux::bench(&mut criterion);
    demux_text::bench(&mut criterion);
    read_ahead::bench(&mut criterion);
    criterion.final_summary();
}
