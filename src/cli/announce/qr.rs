//! A QR code in the characters of a terminal. It knows text and modules, and nothing of what the text means.

use fast_qr::{ECL, QRBuilder, QRCode};

/// Light modules around the code, without which no camera finds it (ISO/IEC 18004, "quiet zone").
const QUIET_ZONE: usize = 4;

/// The most columns of a drawing: those of the narrowest terminal that people still use.
const MAX_COLUMNS: usize = 80;

/// Black on white, whatever the colours of the terminal are.
const BLACK_ON_WHITE: &str = "\x1b[30;107m";

/// The colours of the terminal again.
const RESET: &str = "\x1b[0m";

/// Draws the text as a QR code: one character a column, two modules above each other in each, so that they are about square.
/// A module has one of two colours: black on white with `in_colours`, else those of the terminal, of which the brighter one
/// is taken to be that of its text. Each line ends with a line end. `None` if it would be wider than [`MAX_COLUMNS`].
pub(super) fn draw(text: &str, in_colours: bool) -> Option<String> {
    // the lowest correction makes the largest modules, and a screen has neither scratches nor folds
    let code = QRBuilder::new(text).ecl(ECL::L).build().ok()?;
    let side = code.size + 2 * QUIET_ZONE;
    if side > MAX_COLUMNS {
        return None;
    }
    let (begin, end) = if in_colours { (BLACK_ON_WHITE, RESET) } else { ("", "") };
    let mut drawing = String::new();
    for row in (0..side).step_by(2) {
        drawing.push_str(begin);
        drawing.extend((0..side).map(|column| {
            let [upper, lower] = [row, row + 1].map(|row| is_dark(&code, row, column));
            // what is drawn is the dark part in black, or the light part in the colour of the terminal's text
            half_blocks(upper == in_colours, lower == in_colours)
        }));
        drawing.push_str(end);
        drawing.push('\n');
    }
    Some(drawing)
}

/// Whether the module is dark, counted from the corner of the quiet zone. All that is outside of the code is light.
fn is_dark(code: &QRCode, row: usize, column: usize) -> bool {
    match (row.checked_sub(QUIET_ZONE), column.checked_sub(QUIET_ZONE)) {
        (Some(row), Some(column)) if row < code.size && column < code.size => code[row][column].value(),
        _ => false,
    }
}

/// The character that fills these halves of its place.
fn half_blocks(upper: bool, lower: bool) -> char {
    match (upper, lower) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Which modules a camera sees as dark, row by row, in what a terminal shows.
    fn seen(drawing: &str, in_colours: bool) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in drawing.lines() {
            let line =
                if in_colours { line.strip_prefix(BLACK_ON_WHITE).unwrap().strip_suffix(RESET).unwrap() } else { line };
            let halves = line.chars().map(|character| match character {
                '█' => (true, true),
                '▀' => (true, false),
                '▄' => (false, true),
                ' ' => (false, false),
                other => panic!("{other:?}"),
            });
            let (upper, lower): (Vec<bool>, Vec<bool>) = halves.unzip();
            rows.extend([upper, lower].map(|row| row.iter().map(|drawn| *drawn == in_colours).collect::<Vec<_>>()));
        }
        rows
    }

    fn is_the_code_in_its_quiet_zone(text: &str) {
        let code = QRBuilder::new(text).ecl(ECL::L).build().unwrap();
        for in_colours in [true, false] {
            let rows = seen(&draw(text, in_colours).unwrap(), in_colours);
            let side = code.size + 8;
            assert!(rows.len() >= side && rows.len() <= side + 1 && side <= 80, "{}", rows.len());
            for (y, row) in rows.iter().enumerate() {
                assert_eq!(row.len(), side);
                for (x, is_dark) in row.iter().enumerate() {
                    let is_inside = (4..4 + code.size).contains(&y) && (4..4 + code.size).contains(&x);
                    assert_eq!(*is_dark, is_inside && code[y - 4][x - 4].value(), "{text} row {y} column {x}");
                }
            }
        }
    }

    #[test]
    fn a_terminal_shows_the_modules_of_the_code() {
        is_the_code_in_its_quiet_zone("http://192.168.0.7:9999");
        is_the_code_in_its_quiet_zone("https://[2001:db8:1234:5678:9abc:def0:1234:5678]:65535");
    }

    #[test]
    fn the_longest_address_leaves_half_of_a_small_terminal_free() {
        for in_colours in [true, false] {
            let drawing = draw("https://[2001:db8:1234:5678:9abc:def0:1234:5678]:65535", in_colours).unwrap();
            assert!(drawing.lines().count() <= 21 && drawing.ends_with('\n'));
        }
        let shortest = draw("http://10.0.0.1:9999", true).unwrap();
        assert_eq!(shortest.lines().count(), 17);
    }

    #[test]
    fn colours_end_with_their_line() {
        let drawing = draw("http://192.168.0.7:9999", true).unwrap();
        assert!(drawing.lines().all(|line| line.starts_with(BLACK_ON_WHITE) && line.ends_with(RESET)));
        assert!(!draw("http://192.168.0.7:9999", false).unwrap().contains('\x1b'));
    }

    #[test]
    fn what_is_wider_than_a_terminal_is_not_drawn() {
        // version 13 is the largest that fits: 69 modules and the quiet zone
        assert!(draw(&"x".repeat(425), true).is_some());
        assert_eq!(draw(&"x".repeat(426), true), None);
        assert_eq!(draw(&"x".repeat(10_000), true), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_drawn_as_its_code(text in "[ -~]{1,300}") {
            is_the_code_in_its_quiet_zone(&text);
        }
    }
}
