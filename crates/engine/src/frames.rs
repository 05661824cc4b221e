//! Compression on the wire: ClickHouse's native frames, and LZ4 frames for `Accept-Encoding: lz4`.
//!
//! A native frame is `CityHash128 of the rest (16) · method (1) · size with this header (4) · size before compression (4) · data`.
//!
//! `Accept-Encoding: lz4` is answered with an LZ4 frame made of *stored* blocks: it costs no CPU on loopback, and the client
//! hands on whole blocks. That matters for errors in mid-stream, which the `clickhouse` crate sees only inside one received piece.

use bytes::{Buf, BufMut, Bytes, BytesMut};

const CHECKSUM: usize = 16;
const HEADER: usize = 9;
const METHOD_LZ4: u8 = 0x82;
const METHOD_NONE: u8 = 0x02;

/// The largest frame that is accepted; clients cut at about 1 MiB.
const LARGEST_FRAME: usize = 64 << 20;

/// Version 1, independent blocks, no checksums, blocks of at most 4 MiB; the last byte is the header's own checksum.
const LZ4_FRAME_START: [u8; 7] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73];
const LZ4_LARGEST_BLOCK: usize = 4 << 20;
const LZ4_STORED: u32 = 1 << 31;

/// Bytes that are no native frame.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum FrameError {
    #[error("Checksum of a compressed block doesn't match: the data is corrupt")]
    Checksum,
    #[error("Unknown compression method 0x{0:02x} of a compressed block: use LZ4 or none")]
    Method(u8),
    #[error("Size of a compressed block is not plausible: {0} bytes")]
    Size(usize),
    #[error("Cannot decompress a block: {0}")]
    Data(String),
    #[error("The data ends inside a compressed block")]
    Truncated,
}

/// Takes native frames apart, whatever pieces they come in.
#[derive(Debug, Default)]
pub(crate) struct NativeDecoder {
    pending: BytesMut,
}

impl NativeDecoder {
    /// Adds received bytes.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.pending.extend_from_slice(piece);
    }

    /// The next whole frame's content; `None` until more bytes have come.
    pub(crate) fn next_block(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(mut header) = self.pending.get(CHECKSUM..CHECKSUM + HEADER) else {
            return Ok(None);
        };
        let method = header.get_u8();
        let size = header.get_u32_le() as usize;
        let plain = header.get_u32_le() as usize;
        if !(HEADER..=LARGEST_FRAME).contains(&size) || plain > LARGEST_FRAME {
            return Err(FrameError::Size(size.max(plain)));
        }
        if self.pending.len() < CHECKSUM + size {
            self.pending.reserve(CHECKSUM + size - self.pending.len());
            return Ok(None);
        }
        let frame = self.pending.split_to(CHECKSUM + size).freeze();
        let (mut checksum, body) = frame.split_at(CHECKSUM);
        if checksum.get_u128_le() != checksum_of(body) {
            return Err(FrameError::Checksum);
        }
        let data = frame.slice(CHECKSUM + HEADER..);
        match method {
            METHOD_NONE => Ok(Some(data)),
            METHOD_LZ4 => {
                let mut output = vec![0; plain];
                let written = lz4_flex::block::decompress_into(&data, &mut output).map_err(|error| FrameError::Data(error.to_string()))?;
                if written != plain {
                    return Err(FrameError::Size(written));
                }
                Ok(Some(output.into()))
            }
            other => Err(FrameError::Method(other)),
        }
    }

    /// Checks that the last frame was whole.
    pub(crate) fn finish(&self) -> Result<(), FrameError> {
        if self.pending.is_empty() { Ok(()) } else { Err(FrameError::Truncated) }
    }
}

fn checksum_of(body: &[u8]) -> u128 {
    cityhash_rs::cityhash_102_128(body).rotate_right(64)
}

/// Packs `data` into native LZ4 frames of at most 1 MiB each.
pub(crate) fn native_frames(data: &[u8]) -> Bytes {
    let mut output = BytesMut::new();
    for block in data.chunks(1 << 20) {
        let packed = lz4_flex::block::compress(block);
        let mut body = BytesMut::with_capacity(HEADER + packed.len());
        body.put_u8(METHOD_LZ4);
        // Both are far below 4 GiB: a block has 1 MiB at most.
        body.put_u32_le((HEADER + packed.len()) as u32);
        body.put_u32_le(block.len() as u32);
        body.extend_from_slice(&packed);
        output.put_u128_le(checksum_of(&body));
        output.unsplit(body);
    }
    output.freeze()
}

/// The start of an LZ4 frame.
pub(crate) fn lz4_start() -> Bytes {
    Bytes::from_static(&LZ4_FRAME_START)
}

/// `data` as stored blocks of an LZ4 frame.
pub(crate) fn lz4_blocks(data: &[u8]) -> Bytes {
    let mut output = BytesMut::with_capacity(data.len() + 4 * data.len().div_ceil(LZ4_LARGEST_BLOCK));
    for block in data.chunks(LZ4_LARGEST_BLOCK) {
        output.put_u32_le(block.len() as u32 | LZ4_STORED);
        output.extend_from_slice(block);
    }
    output.freeze()
}

/// The end mark of an LZ4 frame.
pub(crate) fn lz4_end() -> Bytes {
    Bytes::from_static(&[0; 4])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(frames: &[u8], step: usize) -> Result<Vec<u8>, FrameError> {
        let mut decoder = NativeDecoder::default();
        let mut output = Vec::new();
        for piece in frames.chunks(step.max(1)) {
            decoder.push(piece);
            while let Some(block) = decoder.next_block()? {
                output.extend_from_slice(&block);
            }
        }
        decoder.finish()?;
        Ok(output)
    }

    /// A frame that ClickHouse's own client library made.
    const KNOWN: [u8; 48] = [
        245, 5, 222, 235, 225, 158, 59, 108, 225, 31, 65, 215, 66, 66, 36, 92, 130, 34, 0, 0, 0, 23, 0, 0, 0, 240, 8, 1, 0, 2, 255, 255,
        255, 255, 0, 1, 1, 1, 115, 6, 83, 116, 114, 105, 110, 103, 3, 97,
    ];

    #[test]
    fn reads_a_known_frame_and_refuses_it_when_a_byte_differs() {
        let frame = [&KNOWN[..], &[98, 99]].concat();
        let plain = [1, 0, 2, 255, 255, 255, 255, 0, 1, 1, 1, 115, 6, 83, 116, 114, 105, 110, 103, 3, 97, 98, 99];
        assert_eq!(decode(&frame, 7).unwrap(), plain);
        assert_eq!(decode(&frame[..frame.len() - 1], 7), Err(FrameError::Truncated));
        for at in 25..frame.len() {
            let mut broken = frame.clone();
            broken[at] ^= 1;
            assert_eq!(decode(&broken, 64), Err(FrameError::Checksum), "byte {at}");
        }
    }

    #[test]
    fn stored_blocks_are_cut_at_the_frames_limit() {
        let data = vec![7; LZ4_LARGEST_BLOCK + 3];
        let blocks = lz4_blocks(&data);
        assert_eq!(blocks.len(), data.len() + 8);
        assert_eq!(&blocks[..4], (LZ4_LARGEST_BLOCK as u32 | LZ4_STORED).to_le_bytes());
    }

    proptest! {
        #[test]
        fn native_frames_come_back_as_they_were(data in proptest::collection::vec(any::<u8>(), 0..5000), step in 1usize..600) {
            prop_assert_eq!(decode(&native_frames(&data), step).unwrap(), data);
        }

        #[test]
        fn noise_is_an_error_or_unfinished_never_a_panic(noise in proptest::collection::vec(any::<u8>(), 0..200), step in 1usize..50) {
            let _ = decode(&noise, step);
        }
    }
}
