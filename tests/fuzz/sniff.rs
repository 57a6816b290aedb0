//! The first bytes of a peer.

use bolero::check;
use papo::chat::name::Name;
use papo::dialect::foreign;
use papo::dialect::sniff::{Verdict, http_line, may_have_begun, sniff, unfinished};

use crate::TIME;
use crate::input::{self, Piece};

#[test]
fn a_verdict_is_for_good_and_never_hits_a_name() {
    check!().with_type::<Vec<Piece>>().with_test_time(TIME).for_each(|pieces: &Vec<Piece>| {
        let bytes = input::bytes(pieces);
        let verdict = sniff(&bytes);
        let mut before = Verdict::Undecided;
        for end in 0..=bytes.len().min(64) {
            let now = sniff(&bytes[..end]);
            assert!(before == Verdict::Undecided || now == before, "{before:?} became {now:?}");
            assert!(now == Verdict::Undecided || now == verdict, "{now:?} became {verdict:?}");
            assert!(now == Verdict::Undecided || !may_have_begun(&bytes[..end]));
            assert!(unfinished(&bytes[..end]).is_none() || now == Verdict::Undecided);
            before = now;
        }
        // no more than the first line is looked at, and a name on it is a person's
        let text = String::from_utf8_lossy(&bytes);
        for line in text.lines() {
            if Name::parse(line).is_ok() {
                assert_eq!(sniff(format!("{line}\n").as_bytes()), Verdict::Text, "{line:?}");
                assert_eq!(http_line(line), None, "{line:?}");
            }
        }
        if let Verdict::Foreign(protocol) = verdict {
            let refusal = foreign::refusal(protocol);
            assert!(refusal.is_empty() || refusal.ends_with(b"\n"));
        }
    });
}
