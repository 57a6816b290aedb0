//! The last words to a peer that speaks another protocol: what its own kind understands, in one answer. Nothing of what
//! the peer sent is in them.

use bytes::Bytes;

use super::sniff::Protocol;
use crate::chat::language::Language;
use crate::chat::text;

/// The whole answer, in every language; empty if the connection just closes, because nobody would read it.
pub fn refusal(protocol: Protocol) -> Bytes {
    let line = || Language::ALL.map(|language| text::foreign_protocol(language, protocol.to_string())).join(" / ");
    // each of these protocols ends its lines with CR and LF
    let refusal = match protocol {
        Protocol::Tls | Protocol::Binary => String::new(),
        Protocol::Http { is_head } => return http(is_head),
        Protocol::Http2 => return http(false),
        Protocol::Ssh | Protocol::Proxy => format!("{}\r\n", line()),
        Protocol::Smtp => format!("554 {}\r\n", line()),
        Protocol::Irc => format!("ERROR :{}\r\n", line()),
        Protocol::Redis => format!("-ERR {}\r\n", line()),
    };
    refusal.into()
}

/// A response that a browser shows as plain text, and that no script of another site may read.
fn http(is_head: bool) -> Bytes {
    let body = Language::ALL.map(|language| text::foreign_http(language) + "\n").concat();
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\n\
         X-Content-Type-Options: nosniff\r\n\
         Cache-Control: no-store\r\n\
         Connection: close\r\n\
         \r\n",
        body.len()
    );
    if is_head { head.into() } else { (head + &body).into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(protocol: Protocol) -> String {
        String::from_utf8(super::refusal(protocol).to_vec()).unwrap()
    }

    #[test]
    fn one_line_in_both_languages_in_the_form_of_the_protocol() {
        for (protocol, start) in [
            (Protocol::Ssh, "Isto é um bate-papo"),
            (Protocol::Smtp, "554 Isto é"),
            (Protocol::Irc, "ERROR :Isto é"),
            (Protocol::Redis, "-ERR Isto é"),
            (Protocol::Proxy, "Isto é"),
        ] {
            let line = refusal(protocol);
            assert!(line.starts_with(start) && line.contains(" / This is a papo chat"), "{line}");
            assert!(line.contains(&format!(" {protocol}.")), "{line}");
            assert_eq!(line.find("\r\n"), Some(line.len() - 2), "{line}");
        }
        assert_eq!(refusal(Protocol::Tls) + &refusal(Protocol::Binary), "");
    }

    #[test]
    fn http_gets_a_response_with_the_length_it_says() {
        let response = refusal(Protocol::Http { is_head: false });
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 "));
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())));
        assert!(body.starts_with("Isto é um bate-papo") && body.contains("\nThis is a papo chat"), "{body}");
        assert_eq!(refusal(Protocol::Http { is_head: true }), format!("{head}\r\n\r\n"));
    }
}
