//! Cuts ClickHouse SQL into tokens with their byte offsets.
//!
//! It follows ClickHouse's own lexer in everything that decides where a literal, a name or a comment ends; numbers and
//! operators need no care. It never fails: a literal without its end reaches to the end of the text, and the library reports it.

/// What a token is; whitespace and comments are no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword, a bare name or a number.
    Word,
    /// A name in backticks, double quotes or typographic double quotes.
    Name,
    /// A string literal, also a heredoc.
    Text,
    /// One character of anything else.
    Sign(u8),
}

/// A token and where it is in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Offset of its first byte.
    pub(super) start: usize,
    /// Offset after its last byte.
    pub(super) end: usize,
    /// How many round, square or curly brackets are open around it.
    pub(super) depth: u32,
}

impl Token {
    /// Whether this is the bare word `word`, in any case.
    pub(super) fn is(&self, sql: &str, word: &str) -> bool {
        self.kind == Kind::Word && self.text(sql).eq_ignore_ascii_case(word)
    }

    /// The token as written.
    pub(super) fn text<'a>(&self, sql: &'a str) -> &'a str {
        sql.get(self.start..self.end).unwrap_or_default()
    }

    /// What a name or literal says: quotes off, escapes and doubled quotes undone as far as an inspection needs.
    pub(super) fn content(&self, sql: &str) -> String {
        let text = self.text(sql);
        let quote = match text.chars().next() {
            Some(quote @ ('\'' | '"' | '`')) if self.kind != Kind::Word => quote,
            Some('‘' | '“' | '$') if self.kind != Kind::Word => {
                return text.trim_matches(['‘', '’', '“', '”', '$']).to_owned();
            }
            _ => return text.to_owned(),
        };
        let inner = text.strip_prefix(quote).unwrap_or(text);
        let inner = inner.strip_suffix(quote).unwrap_or(inner);
        let mut content = String::with_capacity(inner.len());
        let mut chars = inner.chars().peekable();
        while let Some(char) = chars.next() {
            match char {
                '\\' => content.push(unescape(&mut chars)),
                char if char == quote => {
                    chars.next_if_eq(&quote);
                    content.push(quote);
                }
                char => content.push(char),
            }
        }
        content
    }
}

fn unescape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> char {
    match chars.next() {
        Some('n') => '\n',
        Some('t') => '\t',
        Some('r') => '\r',
        Some('x') => {
            let digits: String = (0..2).filter_map(|_| chars.next_if(char::is_ascii_hexdigit)).collect();
            u8::from_str_radix(&digits, 16).map_or('\u{fffd}', char::from)
        }
        Some(other) => other,
        None => '\\',
    }
}

/// All tokens of `sql`, in order.
pub(super) fn tokens(sql: &str) -> Vec<Token> {
    let bytes = sql.as_bytes();
    let mut found = Vec::new();
    let mut depth: u32 = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied();
        if byte.is_ascii_whitespace() || byte == 0x0b || byte == 0 {
            at += 1;
            continue;
        }
        if let Some(end) = comment_end(bytes, at) {
            at = end;
            continue;
        }
        let start = at;
        let kind = match byte {
            b'\'' => {
                at = quoted_end(bytes, at, b'\'');
                Kind::Text
            }
            b'"' | b'`' => {
                at = quoted_end(bytes, at, byte);
                Kind::Name
            }
            b'$' if heredoc_tag(bytes, at).is_some() => {
                at = heredoc_end(bytes, at);
                Kind::Text
            }
            0xe2 if bytes[at..].starts_with("‘".as_bytes()) => {
                at = typographic_end(bytes, at, "’");
                Kind::Text
            }
            0xe2 if bytes[at..].starts_with("“".as_bytes()) => {
                at = typographic_end(bytes, at, "”");
                Kind::Name
            }
            _ if is_word(byte) || (byte == b'.' && next.is_some_and(|next| next.is_ascii_digit()) && number_may_start(&found)) => {
                at += 1;
                while bytes.get(at).is_some_and(|byte| is_word(*byte)) {
                    at += 1;
                }
                Kind::Word
            }
            _ => {
                at += 1;
                Kind::Sign(byte)
            }
        };
        if matches!(kind, Kind::Sign(b')' | b']' | b'}')) {
            depth = depth.saturating_sub(1);
        }
        found.push(Token { kind, start, end: at, depth });
        if matches!(kind, Kind::Sign(b'(' | b'[' | b'{')) {
            depth += 1;
        }
    }
    found
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}

/// `.5` is a number unless it follows a name, as in `tuple.1`.
fn number_may_start(before: &[Token]) -> bool {
    !matches!(before.last().map(|token| token.kind), Some(Kind::Word | Kind::Name | Kind::Sign(b')' | b']')))
}

/// The offset after a comment or a typographic blank that begins at `at`.
fn comment_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let line = rest.starts_with(b"--") || rest.starts_with(b"# ") || rest.starts_with(b"#!") || rest.starts_with("−−".as_bytes());
    if line {
        return Some(find(bytes, at, b"\n").map_or(bytes.len(), |newline| newline + 1));
    }
    if rest.starts_with("\u{a0}".as_bytes()) {
        return Some(at + 2);
    }
    if rest.starts_with("\u{feff}".as_bytes()) {
        return Some(at + 3);
    }
    if !rest.starts_with(b"/*") {
        return None;
    }
    let mut open = 1;
    let mut next = at + 2;
    while open > 0 && next < bytes.len() {
        match &bytes[next..] {
            [b'/', b'*', ..] => {
                open += 1;
                next += 2;
            }
            [b'*', b'/', ..] => {
                open -= 1;
                next += 2;
            }
            _ => next += 1,
        }
    }
    Some(next)
}

/// A quoted literal or name: a backslash escapes one byte, a doubled quote stands for itself.
fn quoted_end(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        at += match byte {
            b'\\' => 2,
            byte if byte == quote && bytes.get(at + 1) == Some(&quote) => 2,
            byte if byte == quote => return at + 1,
            _ => 1,
        };
    }
    bytes.len()
}

fn typographic_end(bytes: &[u8], start: usize, close: &str) -> usize {
    find(bytes, start + 3, close.as_bytes()).map_or(bytes.len(), |at| at + close.len())
}

/// The length of `$tag$` at `start`, if one is there.
fn heredoc_tag(bytes: &[u8], start: usize) -> Option<usize> {
    let name = bytes[start + 1..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let tag = name + 2;
    (bytes.get(start + tag - 1) == Some(&b'$') && find(bytes, start + tag, &bytes[start..start + tag]).is_some()).then_some(tag)
}

fn heredoc_end(bytes: &[u8], start: usize) -> usize {
    let Some(tag) = heredoc_tag(bytes, start) else {
        return bytes.len();
    };
    find(bytes, start + tag, &bytes[start..start + tag]).map_or(bytes.len(), |at| at + tag)
}

fn find(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    bytes.get(from..)?.windows(needle.len()).position(|window| window == needle).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(sql: &str) -> Vec<String> {
        tokens(sql).iter().map(|token| token.text(sql).to_owned()).collect()
    }

    #[test]
    fn literals_hide_what_is_in_them() {
        assert_eq!(words(r"select 'a;\'b', 'it''s;' x"), ["select", r"'a;\'b'", ",", "'it''s;'", "x"]);
        assert_eq!(words(r#"`a;``b` "c;\"d""#), ["`a;``b`", r#""c;\"d""#]);
        assert_eq!(words("$a$ ; ' $a$ 1"), ["$a$ ; ' $a$", "1"]);
        assert_eq!(words("‘a;’ “b;” 1"), ["‘a;’", "“b;”", "1"]);
    }

    #[test]
    fn comments_are_skipped_also_nested_ones() {
        assert_eq!(words("a -- ; '\nb # ; '\nc #! ;\nd /* ; /* ' */ ; */ e"), ["a", "b", "c", "d", "e"]);
        assert_eq!(words("a /* open"), ["a"]);
        assert_eq!(words("a - -1"), ["a", "-", "-", "1"]);
    }

    #[test]
    fn brackets_are_counted() {
        let sql = "f(a, [1]) b";
        let depths: Vec<_> = tokens(sql).iter().map(|token| token.depth).collect();
        assert_eq!(depths, [0, 0, 1, 1, 1, 2, 1, 0, 0]);
    }

    #[test]
    fn content_undoes_quoting() {
        let sql = r"'a\'b''c\x41\n'";
        assert_eq!(tokens(sql)[0].content(sql), "a'b'cA\n");
        let name = "`fi``le`";
        assert_eq!(tokens(name)[0].content(name), "fi`le");
    }

    proptest! {
        /// Any text: no panic, and tokens are in order, not empty and inside the text.
        #[test]
        fn never_fails(sql in "\\PC*") {
            let mut last = 0;
            for token in tokens(&sql) {
                prop_assert!(token.start >= last && token.end > token.start && token.end <= sql.len());
                last = token.end;
            }
        }

        /// Texts made of what confuses lexers.
        #[test]
        fn never_fails_on_quotes(sql in "[-'\"`\\\\$/*#;()a \n‘’“”.1]{0,40}") {
            for token in tokens(&sql) {
                prop_assert!(token.end <= sql.len());
                let _ = token.content(&sql);
            }
        }

        /// A quoted value, whatever it holds, is one token that says that value.
        #[test]
        fn a_quoted_value_is_one_token(value in "\\PC*") {
            let sql = format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"));
            let found = tokens(&sql);
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].content(&sql), value);
        }
    }
}
