//! PostgreSQL's keyword form, `host=db user=footfall password=… dbname=footfall`, as a URL.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything that could end a part of a URL.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The URL; the text itself where it is one already, or has no known form.
pub(crate) fn to_url(text: &str) -> String {
    if text.contains("://") || text.starts_with("sqlite:") {
        return text.to_owned();
    }
    let Some(mut pairs) = pairs(text) else { return text.to_owned() };
    let mut take = |name: &str| pairs.remove(name);
    let escape = |value: &str| utf8_percent_encode(value, ESCAPED).to_string();
    let host = take("host").or_else(|| take("hostaddr")).unwrap_or_else(|| "localhost".to_owned());
    let mut url = String::from("postgres://");
    if let Some(user) = take("user") {
        url += &escape(&user);
        if let Some(password) = take("password") {
            url += &format!(":{}", escape(&password));
        }
        url.push('@');
    }
    let socket = host.starts_with('/');
    url += match socket {
        true => "localhost",
        false => &host,
    };
    if let Some(port) = take("port") {
        url += &format!(":{port}");
    }
    url += &format!("/{}", take("dbname").map(|name| escape(&name)).unwrap_or_default());
    let mut rest: Vec<(String, String)> = pairs.into_iter().collect();
    if socket {
        rest.push(("host".to_owned(), host));
    }
    for (index, (name, value)) in rest.iter().enumerate() {
        url += &format!("{}{}={}", if index == 0 { '?' } else { '&' }, escape(name), escape(value));
    }
    url
}

/// `name=value` pairs; a value may stand in single quotes, a backslash takes the next character as it is.
fn pairs(text: &str) -> Option<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            return None;
        }
        let after = after.trim_start();
        let quoted = after.starts_with('\'');
        let mut value = String::new();
        let mut characters = after.char_indices().skip(usize::from(quoted));
        let mut end = None;
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => value.push(characters.next()?.1),
                '\'' if quoted => {
                    end = Some(at + 1);
                    break;
                }
                ' ' | '\t' | '\n' if !quoted => {
                    end = Some(at);
                    break;
                }
                other => value.push(other),
            }
        }
        if quoted && end.is_none() {
            return None;
        }
        pairs.insert(name.to_owned(), value);
        rest = after[end.unwrap_or(after.len())..].trim_start();
    }
    (!pairs.is_empty()).then_some(pairs)
}

#[cfg(test)]
mod tests {
    use super::to_url;

    #[test]
    fn keywords_become_a_url() {
        for (dsn, url) in [
            (
                "host=db port=6432 user=u password=p@ss dbname=footfall sslmode=require",
                "postgres://u:p%40ss@db:6432/footfall?sslmode=require",
            ),
            (r"host = db user='a b' password='it\'s' dbname=f", "postgres://a%20b:it%27s@db/f"),
            ("host=/run/postgresql dbname=f", "postgres://localhost/f?host=%2Frun%2Fpostgresql"),
            ("postgres://u:p@h/db", "postgres://u:p@h/db"),
            ("sqlite:x.db", "sqlite:x.db"),
            ("nonsense", "nonsense"),
            ("host='open", "host='open"),
        ] {
            assert_eq!(to_url(dsn), url);
        }
    }
}
