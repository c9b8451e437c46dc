//! HTTP/2 frame by frame, for servers that `h2` does not play.

use tokio::io::{AsyncRead, AsyncReadExt};

pub(super) const PREFACE: usize = 24;
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const SETTINGS: u8 = 4;
pub(super) const GOAWAY: u8 = 7;
/// Of DATA and HEADERS; of SETTINGS it is ACK.
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
/// `:status: 200` and `content-type: application/json` (RFC 7541, appendix A: 8 and 31).
pub(super) const HEAD: &[u8] = b"\x88\x0f\x10\x10application/json";

pub(super) fn frame(kind: u8, flags: u8, stream: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[a, b, c, kind, flags], &stream[..], payload].concat()
}

/// A whole answer with this body.
pub(super) fn answered(stream: [u8; 4], body: &[u8]) -> Vec<u8> {
    let head = frame(HEADERS, END_HEADERS, stream, HEAD);
    [head, frame(DATA, END_STREAM, stream, body)].concat()
}

/// Type, flags and stream of the next frame; its payload is read over.
pub(super) async fn next(
    from: &mut (impl AsyncRead + Unpin),
) -> std::io::Result<(u8, u8, [u8; 4])> {
    let mut head = [0; 9];
    from.read_exact(&mut head).await?;
    let [a, b, c, kind, flags, stream @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    from.read_exact(&mut payload).await?;
    Ok((kind, flags, stream))
}
