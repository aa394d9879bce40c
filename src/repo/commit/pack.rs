//! Many new blobs at once: one pack, which git takes in, indexes and makes durable.
//!
//! A thousand files of their own take a file system ten times as long as one. It writes blobs only, whole and in the
//! order given; who wants them smaller has `git gc`.

use std::process::Command;

use gix::zlib::stream::deflate::{Compress, FlushCompress};
use gix::zlib::{Compression, Status};
use rayon::prelude::*;

use crate::repo::program::feed;
use crate::repo::{ObjectId, Repo};

/// From how many blobs on: where git itself keeps the pack that it is sent (`transfer.unpackLimit`).
pub(super) const FROM: usize = 100;
/// All of it is in memory once more.
const LIMIT: usize = 256 << 20;
/// How many blobs one core takes at a time.
const SHARE: usize = 32;
/// A blob, as the type in a pack's entry.
const BLOB: u8 = 3;

/// What it takes to write a pack, on any thread.
pub(super) struct Packing {
    command: Command,
    level: Compression,
    kind: gix::hash::Kind,
}

impl Packing {
    /// Into this repository.
    pub(super) fn of(repo: &Repo) -> Self {
        let mut command = repo.command();
        command.args(["index-pack", "--stdin"]);
        Self { command, level: repo.git.objects.loose_compression, kind: repo.git.object_hash() }
    }

    /// Writes blobs as one pack. Whether that was done: where not, nothing is there that anybody sees.
    ///
    /// git checks every object's name, puts pack and index in place when they are on the disk, the index last, and shares
    /// them as the repository wants it. What a killed one leaves has a name that `git gc` knows.
    pub(super) fn write(self, blobs: &[&[u8]]) -> bool {
        let size: usize = blobs.iter().map(|blob| blob.len()).sum();
        if size > LIMIT {
            return false;
        }
        let Some((pack, name)) = pack_of(blobs, self.level, self.kind) else { return false };
        let Ok(said) = feed(self.command, Some(&pack)) else { return false };
        said.code == 0 && said.stdout.trim_ascii_end().ends_with(name.to_string().as_bytes())
    }
}

/// The bytes of a pack and the hash that it ends with.
fn pack_of(blobs: &[&[u8]], level: Compression, kind: gix::hash::Kind) -> Option<(Vec<u8>, ObjectId)> {
    let entries = |share: &[&[u8]]| -> Option<Vec<u8>> {
        // Its tables are larger than what it packs here: made once for many.
        let mut packer = Compress::new(level);
        let mut out = Vec::with_capacity(share.iter().map(|blob| room(blob)).sum());
        for blob in share {
            entry(&mut out, &mut packer, blob)?;
        }
        Some(out)
    };
    let shares: Option<Vec<Vec<u8>>> = blobs.par_chunks(SHARE).map(entries).collect();
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend_from_slice(&u32::try_from(blobs.len()).ok()?.to_be_bytes());
    shares?.iter().for_each(|share| pack.extend_from_slice(share));
    let mut hasher = gix::hash::hasher(kind);
    hasher.update(&pack);
    let name = hasher.try_finalize().ok()?;
    pack.extend_from_slice(name.as_slice());
    Some((pack, name))
}

/// Type and size in groups of 4, 7, 7, … bits from the lowest, the highest bit of a byte saying that more follow; then the
/// bytes as a zlib stream.
fn entry(out: &mut Vec<u8>, packer: &mut Compress, blob: &[u8]) -> Option<()> {
    let more = |rest: usize| if rest > 0 { 0x80 } else { 0 };
    let low = |rest: usize, bits: usize| u8::try_from(rest & bits).unwrap_or_default();
    let mut rest = blob.len() >> 4;
    out.push(more(rest) | (BLOB << 4) | low(blob.len(), 0x0f));
    while rest > 0 {
        out.push(more(rest >> 7) | low(rest, 0x7f));
        rest >>= 7;
    }
    let from = out.len();
    out.resize(from + room(blob), 0);
    packer.reset();
    let status = packer.compress(blob, out.get_mut(from..)?, FlushCompress::Finish).ok()?;
    out.truncate(from + usize::try_from(packer.total_out()).ok()?);
    matches!(status, Status::StreamEnd).then_some(())
}

/// More than a blob takes, however little it packs: nine bits a byte at worst, and what stands around it.
fn room(blob: &[u8]) -> usize {
    blob.len() + blob.len() / 4 + 128
}
