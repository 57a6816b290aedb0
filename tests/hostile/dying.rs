//! Connections that break: what the others learn, and when.

use crate::common::TestServer;
use crate::witness::Witness;

#[test]
fn connections_that_are_reset_leave_with_a_reason_and_nobody_else_notices() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    for i in 0..5 {
        let dying = server.join(&format!("Frágil{i}"));
        dying.reset();
    }
    witness.goes_on(2);
    let others = witness.stop();
    for i in 0..5 {
        let came = others.iter().position(|line| *line == format!("Frágil{i} entrou no chat."));
        let left = others.iter().position(|line| *line == format!("Frágil{i} saiu do chat (conexão perdida)."));
        assert!(came.is_some() && came < left, "{others:?}");
    }
}
