//! Events that are written out once for everybody who reads them.

use std::ops::Range;

use bytes::Bytes;

/// A part that is smaller than one of so many equal parts is copied.
const MIN_SHARE: usize = 4;

/// Some events in one format, one behind the other.
#[derive(Debug)]
pub struct Written {
    bytes: Bytes,
    /// Where each event ends.
    ends: Vec<usize>,
}

impl Written {
    /// Writes each event by `write`. A gap (`None`) counts as an event of which nothing is written.
    pub fn new<E>(events: impl Iterator<Item = Option<E>>, mut write: impl FnMut(&mut Vec<u8>, E)) -> Written {
        let mut bytes = Vec::new();
        let ends = events.map(|event| {
            if let Some(event) = event {
                write(&mut bytes, event);
            }
            bytes.len()
        });
        let ends = ends.collect();
        Written { bytes: bytes.into(), ends }
    }

    /// The events in this range. They share the memory of all, unless they are but a small part of it: somebody who does not
    /// read would otherwise keep much more memory alive than what is owed.
    ///
    /// # Panics
    /// If the range is not within the events.
    pub fn get(&self, range: Range<usize>) -> Bytes {
        let end_of = |count: usize| if count == 0 { 0 } else { self.ends[count - 1] };
        let part = end_of(range.start)..end_of(range.end);
        if part.len() * MIN_SHARE < self.bytes.len() {
            return Bytes::copy_from_slice(&self.bytes[part]);
        }
        self.bytes.slice(part)
    }
}
