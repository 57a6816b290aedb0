//! Whether messages get through the room, for any number of askers at the price of one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix::Addr;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::{ChatRoom, HealthProbe};

/// The time in which a probe must make its way.
pub(super) const LIMIT: Duration = Duration::from_secs(1);

/// How long the answer to a probe holds for those who ask next: there are no more than ten probes a second.
const REUSE: Duration = Duration::from_millis(100);

/// The health of a room.
///
/// There is one probe at most, whoever asks and however stuck the room is: as long as it is on its way, everybody waits for
/// this one. So nothing piles up in a mailbox that nobody empties, and a room that comes back has nothing to catch up on.
pub(super) struct Health {
    room: Addr<ChatRoom>,
    probe: Mutex<Option<Sent>>,
}

/// A probe.
#[derive(Clone)]
struct Sent {
    at: Instant,
    /// Whether it came back in time; `None` while it is on its way.
    came_back: watch::Receiver<Option<bool>>,
}

impl Health {
    pub(super) fn new(room: Addr<ChatRoom>) -> Health {
        Health { room, probe: Mutex::new(None) }
    }

    /// Whether a probe makes its way through the room and all hubs in time. Tells it in time, too.
    pub(super) async fn is_good(&self) -> bool {
        let mut came_back = self.probe().came_back;
        match timeout(LIMIT, came_back.wait_for(Option::is_some)).await {
            Ok(Ok(came_back)) => *came_back == Some(true),
            // late, or lost with the runtime
            Ok(Err(_)) | Err(_) => false,
        }
    }

    /// The probe on its way, or one that has just come back, or else a new one.
    fn probe(&self) -> Sent {
        let mut probe = self.probe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sent) = &*probe
            && (sent.came_back.borrow().is_none() || sent.at.elapsed() < REUSE)
        {
            return sent.clone();
        }
        probe.insert(self.send()).clone()
    }

    fn send(&self) -> Sent {
        let at = Instant::now();
        let (tell, came_back) = watch::channel(None);
        let request = self.room.send(HealthProbe);
        tokio::spawn(async move {
            let answer = request.await.unwrap_or(false);
            tell.send_replace(Some(answer && at.elapsed() <= LIMIT));
        });
        Sent { at, came_back }
    }
}
