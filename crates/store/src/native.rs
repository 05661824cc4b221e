//! Blocks in ClickHouse's `Native` format: column by column, so that the server reads values of one type in one go and looks into each dictionary
//! once for a block, where rows cost it a look for each value. Made whole before they are sent, and sent as often as it takes.
//!
//! A block is `columns, rows` and of each column `name, type, values`; lengths are LEB128, numbers little-endian. Texts are sent plain: the
//! server makes dictionaries of them. The client's own blocks would do the same, but are encoded anew with each sending, value by value, and never
//! compressed. <https://clickhouse.com/docs/reference/formats/Native>

use std::collections::BTreeMap;

use uuid::Uuid;

/// Values of one type.
pub(crate) trait Values {
    /// The type's name.
    const TYPE: &'static str;
    /// Appends all values of a column.
    fn put<'v>(values: impl Iterator<Item = &'v Self> + Clone, into: &mut Vec<u8>)
    where
        Self: 'v;
}

/// A time in UTC milliseconds.
pub(crate) struct Millis(pub(crate) i64);

macro_rules! numbers {
    ($($kind:ty => $name:literal,)*) => {
        $(impl Values for $kind {
            const TYPE: &'static str = $name;
            fn put<'v>(values: impl Iterator<Item = &'v Self> + Clone, into: &mut Vec<u8>) {
                values.for_each(|value| into.extend_from_slice(&value.to_le_bytes()));
            }
        })*
    };
}

numbers! {
    u8 => "UInt8",
    u32 => "UInt32",
    u64 => "UInt64",
    i32 => "Int32",
    i64 => "Int64",
}

impl Values for Millis {
    const TYPE: &'static str = "DateTime64(3, 'UTC')";
    fn put<'v>(values: impl Iterator<Item = &'v Self> + Clone, into: &mut Vec<u8>) {
        i64::put(values.map(|value| &value.0), into);
    }
}

impl Values for Uuid {
    const TYPE: &'static str = "UUID";
    fn put<'v>(values: impl Iterator<Item = &'v Self> + Clone, into: &mut Vec<u8>) {
        for (high, low) in values.map(Self::as_u64_pair) {
            into.extend_from_slice(&high.to_le_bytes());
            into.extend_from_slice(&low.to_le_bytes());
        }
    }
}

impl Values for &str {
    const TYPE: &'static str = "String";
    fn put<'v>(values: impl Iterator<Item = &'v Self> + Clone, into: &mut Vec<u8>)
    where
        Self: 'v,
    {
        values.for_each(|value| put_text(value, into));
    }
}

impl Values for &BTreeMap<String, String> {
    const TYPE: &'static str = "Map(String, String)";
    fn put<'v>(values: impl Iterator<Item = &'v Self> + Clone, into: &mut Vec<u8>)
    where
        Self: 'v,
    {
        let mut end = 0_u64;
        for map in values.clone() {
            end += map.len() as u64;
            into.extend_from_slice(&end.to_le_bytes());
        }
        values.clone().flat_map(|map| map.keys()).for_each(|key| put_text(key, into));
        values.flat_map(|map| map.values()).for_each(|value| put_text(value, into));
    }
}

/// Appends the head of a block.
pub(crate) fn put_head(columns: usize, rows: usize, into: &mut Vec<u8>) {
    put_length(columns, into);
    put_length(rows, into);
}

/// Appends a column.
pub(crate) fn put_column<'v, V: Values + 'v>(name: &str, values: impl Iterator<Item = &'v V> + Clone, into: &mut Vec<u8>) {
    put_text(name, into);
    put_text(V::TYPE, into);
    V::put(values, into);
}

fn put_text(text: &str, into: &mut Vec<u8>) {
    put_length(text.len(), into);
    into.extend_from_slice(text.as_bytes());
}

fn put_length(length: usize, into: &mut Vec<u8>) {
    let mut left = length;
    while left >= 0x80 {
        into.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    into.push(left as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_its_name_its_type_and_its_values() {
        let mut out = Vec::new();
        put_head(2, 300, &mut out);
        put_column("n", [1_u32, 258].iter(), &mut out);
        assert_eq!(out, b"\x02\xac\x02\x01n\x06UInt32\x01\0\0\0\x02\x01\0\0");
        let map = BTreeMap::from([("k".to_owned(), "vv".to_owned())]);
        let mut out = Vec::new();
        put_column("m", [&map, &BTreeMap::new(), &map].iter(), &mut out);
        let ends = [1_u64, 1, 2].map(u64::to_le_bytes).concat();
        assert_eq!(out, [b"\x01m\x13Map(String, String)".as_slice(), &ends, b"\x01k\x01k\x02vv\x02vv"].concat());
    }
}
