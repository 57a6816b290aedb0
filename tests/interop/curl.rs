//! `curl` at the page: what it gets, and what it does not.

use std::process::Command;

use super::common::TestServer;
use super::common::program::run;
use super::server;

const PAGE: &str = include_str!("../../src/web/page/index.html");

/// What `curl` says at its end of the response: the status, how many connections it took, the media type.
const SUMMARY: &str = "\n%{http_code} %{num_connects} %{content_type}";

/// Runs it with these arguments. Returns its exit code, what it wrote, and that summary.
fn curl(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--show-error",
        "--insecure",
        "--noproxy",
        "*",
        "--max-time",
        "15",
        "--write-out",
        SUMMARY,
    ]);
    command.args(arguments);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let output = run(command);
    let written = String::from_utf8(output.stdout).unwrap();
    let (body, summary) = written.rsplit_once('\n').unwrap();
    (output.status.code().unwrap(), body.to_owned(), summary.to_owned())
}

fn url(server: &TestServer, scheme: &str, path: &str) -> String {
    format!("{scheme}://{}{path}", server.address)
}

/// The status of the answer, which must have come.
#[track_caller]
fn status(arguments: &[&str]) -> String {
    let (code, body, summary) = curl(arguments);
    assert_eq!(code, 0, "{arguments:?}: {summary} {body}");
    summary.split(' ').next().unwrap().to_owned()
}

#[test]
#[ignore = "needs python3 with websockets, curl, openssl and nc"]
fn the_page_comes_encrypted_or_not_in_every_version_that_is_asked_for() {
    let server = server();
    for scheme in ["http", "https"] {
        let page = url(&server, scheme, "/");
        // in TLS, whoever names protocols and not HTTP/1.1 among them is refused before that
        let versions =
            if scheme == "http" { &["--http1.0", "--http1.1", "--http2"][..] } else { &["--http1.1", "--http2"] };
        for version in versions {
            let (code, body, summary) = curl(&[version, &page]);
            assert_eq!((code, summary.as_str()), (0, "200 1 text/html; charset=utf-8"), "{scheme} {version}");
            assert_eq!(body, PAGE);
        }
        // a HEAD, several requests over one connection, a range that is not given
        assert_eq!(status(&["--head", &page]), "200");
        let script = url(&server, scheme, "/app.js");
        let (_, both, summary) = curl(&[&page, &script]);
        assert!(both.starts_with(PAGE) && both.contains("\n200 1 text/html"), "{both}");
        assert_eq!(summary, "200 0 text/javascript; charset=utf-8");
        assert_eq!(status(&["--range", "0-9", &page]), "200");
        assert_eq!(status(&["--compressed", &page]), "200");
    }
    // nobody vouches for the certificate
    let page = url(&server, "https", "/");
    let checked = run({
        let mut command = Command::new("curl");
        command.args(["--silent", "--noproxy", "*", &page]);
        command
    });
    assert_eq!(checked.status.code(), Some(60));
    for version in ["--tlsv1.2", "--tlsv1.3"] {
        let most = if version == "--tlsv1.2" { "1.2" } else { "1.3" };
        assert_eq!(status(&[version, "--tls-max", most, &page]), "200", "{version}");
    }
}

#[test]
#[ignore = "needs python3 with websockets, curl, openssl and nc"]
fn everything_else_is_refused() {
    let server = server();
    let mut ana = server.join("Ana");
    for scheme in ["http", "https"] {
        let (page, socket) = (url(&server, scheme, "/"), url(&server, scheme, "/ws"));
        assert_eq!(status(&[&url(&server, scheme, "/nada")]), "404");
        assert_eq!(status(&["--path-as-is", &url(&server, scheme, "/../../etc/passwd")]), "404");
        assert_eq!(status(&["--path-as-is", &url(&server, scheme, "/%2e%2e/Cargo.toml")]), "404");
        assert_eq!(status(&["--request", "DELETE", &page]), "405");
        assert_eq!(status(&["--data", "Vitima", &page]), "405");
        assert_eq!(status(&["--form", "name=Vitima", &page]), "405");
        assert_eq!(status(&["--upload-file", file!(), &url(&server, scheme, "/app.js")]), "405");
        assert_eq!(status(&[&socket]), "426");
        assert_eq!(status(&["--request", "POST", &socket]), "405");
        // it is no proxy
        assert_eq!(status(&["--noproxy", "", "--proxy-insecure", "--proxy", &page, "http://example.com/"]), "421");
        let (code, _, summary) = curl(&["--noproxy", "", "--proxy-insecure", "--proxy", &page, "https://example.com/"]);
        assert!(code != 0 && summary.starts_with("000"), "{code} {summary}");
    }
    // HTTP/2 without asking first gets no page, and does no harm
    let (code, body, _) = curl(&["--http2-prior-knowledge", &url(&server, "http", "/")]);
    assert!(code != 0 && !body.contains("<!doctype"), "{code} {body}");
    ana.expect_nothing();
    server.join("Vitima");
}

#[test]
#[ignore = "needs python3 with websockets, curl, openssl and nc"]
fn other_pages_and_other_names_do_not_get_in() {
    let server = server();
    let mut ana = server.join("Ana");
    let port = server.address.port();
    for scheme in ["http", "https"] {
        let (page, socket) = (url(&server, scheme, "/"), url(&server, scheme, "/ws"));
        let upgrade = |headers: &[&str]| {
            let mut arguments = vec!["--http1.1"];
            for header in ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"] {
                arguments.extend(["--header", header]);
            }
            arguments.extend(["--header", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]);
            for header in headers {
                arguments.extend(["--header", header]);
            }
            arguments.push(&socket);
            status(&arguments)
        };
        let other_port = format!("Origin: {scheme}://127.0.0.1:{}", port ^ 1);
        for origin in [
            "Origin: http://example.com",
            "Origin: null",
            "Origin: file://",
            "Origin: http://127.0.0.1",
            &other_port,
            &format!("Origin: {scheme}://127.0.0.1:{port}.example.com"),
            &format!("Origin: {scheme}://127.0.0.1:{port}@example.com"),
            &format!("Origin: {scheme}://example.com#127.0.0.1:{port}"),
        ] {
            assert_eq!(upgrade(&[origin]), "403", "{origin}");
        }
        // a name on the Internet that somebody has made lead to this machine
        for host in ["example.com", &format!("example.com:{port}"), "127.0.0.1.example.com", "2130706433.example.com"] {
            let header = format!("Host: {host}");
            assert_eq!(status(&["--header", &header, &page]), "421", "{header}");
            let origin = format!("Origin: {scheme}://{host}");
            assert_eq!(upgrade(&[&header, &origin]), "421", "{header}");
        }
        let (lead, rebound) =
            (format!("rebound.example.com:{port}:127.0.0.1"), format!("{scheme}://rebound.example.com:{port}/"));
        assert_eq!(status(&["--resolve", &lead, &rebound]), "421");
        for host in ["localhost", "LOCALHOST", "[::1]", "192.168.0.7"] {
            assert_eq!(status(&["--header", &format!("Host: {host}:{port}"), &page]), "200", "{host}");
        }
    }
    ana.expect_nothing();
}
