//! Compressed request bodies: native frames (`decompress=1`), and `Content-Encoding: lz4` or `gzip`, as several clients send by default.

use std::io::Write as _;

use bytes::{Buf as _, Bytes, BytesMut};
use flate2::write::MultiGzDecoder;

use crate::frames::{FrameError, NativeDecoder};

/// Takes a body apart, whatever pieces it comes in.
pub(crate) enum Unpacker {
    /// Not compressed: every piece is handed on as it is.
    None(Option<Bytes>),
    Native(NativeDecoder),
    Lz4(Lz4Decoder),
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
}

impl Unpacker {
    /// The one for a `Content-Encoding`; `None` for an unknown one.
    pub(crate) fn for_encoding(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::None(None)),
            "lz4" => Some(Self::Lz4(Lz4Decoder::default())),
            "gzip" | "x-gzip" => Some(Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new())))),
            _ => None,
        }
    }

    /// The one for `decompress=1`.
    pub(crate) fn native() -> Self {
        Self::Native(NativeDecoder::default())
    }

    /// Adds received bytes.
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<(), FrameError> {
        match self {
            Self::None(held) => *held = Some(piece),
            Self::Native(decoder) => decoder.push(&piece),
            Self::Lz4(decoder) => decoder.pending.extend_from_slice(&piece),
            Self::Gzip(decoder) => decoder.write_all(&piece).map_err(|error| FrameError::Data(error.to_string()))?,
        }
        Ok(())
    }

    /// The next content; `None` until more bytes have come.
    pub(crate) fn next_block(&mut self) -> Result<Option<Bytes>, FrameError> {
        match self {
            Self::None(held) => Ok(held.take()),
            Self::Native(decoder) => decoder.next_block(),
            Self::Lz4(decoder) => decoder.next_block(),
            Self::Gzip(decoder) => {
                let content = std::mem::take(decoder.get_mut());
                Ok((!content.is_empty()).then(|| content.into()))
            }
        }
    }

    /// Ends the body: gives what was still held, and fails where it was cut short.
    pub(crate) fn finish(&mut self) -> Result<Option<Bytes>, FrameError> {
        match self {
            Self::None(_) => Ok(None),
            Self::Native(decoder) => decoder.finish().map(|()| None),
            Self::Lz4(decoder) => decoder.finish().map(|()| None),
            Self::Gzip(decoder) => {
                decoder.try_finish().map_err(|_| FrameError::Truncated)?;
                let content = std::mem::take(decoder.get_mut());
                Ok((!content.is_empty()).then(|| content.into()))
            }
        }
    }
}

const MAGIC: u32 = 0x184d_2204;
const LARGEST_BLOCK: usize = 4 << 20;
/// Linked blocks refer this far back.
const WINDOW: usize = 64 << 10;
const STORED: u32 = 1 << 31;

/// LZ4's frame format. Its checksums are read over: the way is loopback.
#[derive(Default)]
pub(crate) struct Lz4Decoder {
    pending: BytesMut,
    frame: Option<Frame>,
    /// The end of the content so far, for linked blocks.
    window: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Frame {
    independent: bool,
    block_checksum: bool,
    content_checksum: bool,
}

impl Lz4Decoder {
    fn next_block(&mut self) -> Result<Option<Bytes>, FrameError> {
        loop {
            let Some(frame) = self.frame else {
                if !self.start()? {
                    return Ok(None);
                }
                continue;
            };
            let Some(mut head) = self.pending.get(..4) else { return Ok(None) };
            let word = head.get_u32_le();
            if word == 0 {
                let end = 4 + if frame.content_checksum { 4 } else { 0 };
                if self.pending.len() < end {
                    return Ok(None);
                }
                self.pending.advance(end);
                self.frame = None;
                self.window.clear();
                continue;
            }
            let size = (word & !STORED) as usize;
            if size > LARGEST_BLOCK {
                return Err(FrameError::Size(size));
            }
            let whole = 4 + size + if frame.block_checksum { 4 } else { 0 };
            if self.pending.len() < whole {
                return Ok(None);
            }
            let block = self.pending.split_to(whole).freeze();
            let data = block.slice(4..4 + size);
            let content = if word & STORED != 0 { data } else { self.unpack(&data)? };
            if !frame.independent {
                self.remember(&content);
            }
            return Ok(Some(content));
        }
    }

    /// Reads a frame's head; false until it is all there.
    fn start(&mut self) -> Result<bool, FrameError> {
        let Some(mut head) = self.pending.get(..6) else { return Ok(false) };
        if head.get_u32_le() != MAGIC {
            return Err(FrameError::Data("not an LZ4 frame".to_owned()));
        }
        let flags = head.get_u8();
        if flags >> 6 != 1 || flags & 1 != 0 {
            return Err(FrameError::Data("an LZ4 frame of another version, or with a dictionary".to_owned()));
        }
        let length = 7 + if flags & 0x08 != 0 { 8 } else { 0 };
        if self.pending.len() < length {
            return Ok(false);
        }
        self.pending.advance(length);
        self.frame = Some(Frame { independent: flags & 0x20 != 0, block_checksum: flags & 0x10 != 0, content_checksum: flags & 0x04 != 0 });
        Ok(true)
    }

    fn unpack(&self, data: &[u8]) -> Result<Bytes, FrameError> {
        // The head's limit is not trusted; small blocks get a small buffer first.
        let mut size = (data.len() * 4).clamp(64 << 10, LARGEST_BLOCK);
        loop {
            let mut output = vec![0; size];
            match lz4_flex::block::decompress_into_with_dict(data, &mut output, &self.window) {
                Ok(length) => {
                    output.truncate(length);
                    return Ok(output.into());
                }
                Err(lz4_flex::block::DecompressError::OutputTooSmall { .. }) if size < LARGEST_BLOCK => {
                    size = (size * 4).min(LARGEST_BLOCK);
                }
                Err(error) => return Err(FrameError::Data(error.to_string())),
            }
        }
    }

    fn remember(&mut self, content: &[u8]) {
        self.window.extend_from_slice(content);
        let surplus = self.window.len().saturating_sub(WINDOW);
        self.window.drain(..surplus);
    }

    fn finish(&self) -> Result<(), FrameError> {
        let whole = self.pending.is_empty() && self.frame.is_none();
        if whole { Ok(()) } else { Err(FrameError::Truncated) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frames::{lz4_blocks, lz4_end, lz4_start};

    fn unpack(encoding: &str, packed: &[u8], step: usize) -> Result<Vec<u8>, FrameError> {
        let mut unpacker = Unpacker::for_encoding(encoding).unwrap();
        let mut output = Vec::new();
        for piece in packed.chunks(step.max(1)) {
            unpacker.push(Bytes::copy_from_slice(piece))?;
            while let Some(block) = unpacker.next_block()? {
                output.extend_from_slice(&block);
            }
        }
        if let Some(block) = unpacker.finish()? {
            output.extend_from_slice(&block);
        }
        Ok(output)
    }

    /// A block that repeats bytes of the block before it.
    #[test]
    fn linked_blocks_refer_back() {
        let mut frame = vec![0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0];
        frame.extend_from_slice(&(5 | STORED).to_le_bytes());
        frame.extend_from_slice(b"abcde");
        // Twelve bytes from five bytes back, then five literals.
        let linked = [0x08, 5, 0, 0x50, b't', b'a', b'i', b'l', b'!'];
        frame.extend_from_slice(&(linked.len() as u32).to_le_bytes());
        frame.extend_from_slice(&linked);
        frame.extend_from_slice(&[0; 4]);
        for step in [1, 3, frame.len()] {
            assert_eq!(unpack("lz4", &frame, step).unwrap(), b"abcdeabcdeabcdeabtail!");
        }
        assert_eq!(unpack("lz4", &frame[..frame.len() - 1], 64), Err(FrameError::Truncated));
    }

    #[test]
    fn gzip_is_whole_or_an_error() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let content = b"1,a\n".repeat(5000);
        encoder.write_all(&content).unwrap();
        let packed = encoder.finish().unwrap();
        for step in [1, 10, packed.len()] {
            assert_eq!(unpack("gzip", &packed, step).unwrap(), content);
        }
        assert!(unpack("gzip", &packed[..packed.len() - 9], 64).is_err());
    }

    proptest! {
        #[test]
        fn what_the_engine_packs_it_unpacks(data in proptest::collection::vec(any::<u8>(), 0..5000), step in 1usize..600) {
            let frame = [lz4_start(), lz4_blocks(&data), lz4_end()].concat();
            prop_assert_eq!(unpack("lz4", &frame, step).unwrap(), data);
        }

        #[test]
        fn compressed_blocks_too(data in "(ab|abc|xyz){0,3000}") {
            let block = lz4_flex::block::compress(data.as_bytes());
            let size = (block.len() as u32).to_le_bytes();
            let frame = [&lz4_start()[..], &size, &block, &[0; 4]].concat();
            prop_assert_eq!(unpack("lz4", &frame, 100).unwrap(), data.as_bytes());
        }

        #[test]
        fn noise_is_an_error_never_a_panic(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
            let frame = [&lz4_start()[..], &noise].concat();
            let _ = unpack("lz4", &frame, 7);
            let _ = unpack("gzip", &noise, 7);
        }
    }
}
