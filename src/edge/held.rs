//! Files that say what must be put back, each held by the process that wrote it.
//!
//! A file is locked (`flock`) as long as its process is there, so whoever can lock one knows that its
//! process has ended without a word. A new content comes in one step, as a new file that is locked
//! before it has its name; the old lock is let go of afterwards.
#![expect(clippy::disallowed_methods, reason = "edge touches files")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// How the names of these files end.
const ENDING: &str = ".json";
/// The largest file that is read.
const MOST_BYTES: u64 = 1 << 20;

/// A file that this process holds. Dropped, it stays, for whoever comes after a crash.
#[derive(Debug)]
pub struct Held {
    path: PathBuf,
    locked: File,
}

/// What there is to a file that somebody wrote.
#[derive(Debug)]
pub enum Left {
    /// Its process has ended: it is ours now, and this is in it.
    Ours(Held, String),
    /// Its process is still there.
    Busy,
    /// It is gone.
    Gone,
}

impl Held {
    /// Writes a new file (mode 0600) into a folder (made with mode 0700 if it is not there); it is on
    /// the disk when this returns.
    ///
    /// # Errors
    /// What the system says to it.
    pub fn begin(folder: &Path, name: &str, content: &[u8]) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(format!("{name}{ENDING}"));
        if path.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let locked = write(&path, content)?;
        Ok(Self { path, locked })
    }

    /// Gives it another content.
    ///
    /// # Errors
    /// What the system says to it; then it has its old content.
    pub fn replace(&mut self, content: &[u8]) -> io::Result<()> {
        self.locked = write(&self.path, content)?;
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it: there is nothing to put back.
    ///
    /// # Errors
    /// What the system says to it.
    pub fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)?;
        drop(self.locked);
        Ok(())
    }

    /// Takes over what an ended process left.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn take(path: &Path) -> io::Result<Left> {
        loop {
            let mut file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Left::Gone),
                Err(error) => return Err(error),
            };
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
                return Ok(Left::Busy);
            }
            // A living process may have put a new file in its place meanwhile.
            let is_same = |there: &fs::Metadata| -> io::Result<bool> {
                let ours = file.metadata()?;
                Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino()))
            };
            match fs::metadata(path) {
                Ok(there) if !is_same(&there)? => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Left::Gone),
                Err(error) => return Err(error),
                Ok(_) => {}
            }
            let mut text = String::new();
            (&mut file).take(MOST_BYTES).read_to_string(&mut text)?;
            return Ok(Left::Ours(Self { path: path.to_owned(), locked: file }, text));
        }
    }
}

/// The files of a folder, oldest name first; none where there is no folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn all(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with('.') && name.ends_with(ENDING) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Puts a locked file of this content where the path says.
fn write(path: &Path, content: &[u8]) -> io::Result<File> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = folder.join(format!(".{name}.partial"));
    // One that was left over may be readable by others.
    let _none_left = fs::remove_file(&partial).is_err();
    let mut file =
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&partial)?;
    let put = flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(io::Error::from)
        .and_then(|()| file.write_all(content))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&partial, path))
        // The name, too, is to outlive a crash of the machine.
        .and_then(|()| File::open(folder)?.sync_all());
    if let Err(error) = put {
        let _left = fs::remove_file(&partial).is_err();
        return Err(error);
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::scratch::Scratch;

    #[test]
    fn a_file_is_its_writers_until_that_is_gone() {
        let scratch = Scratch::new().unwrap();
        let folder = scratch.path().join("a/b");
        assert!(all(&folder).unwrap().is_empty());
        let mut held = Held::begin(&folder, "one", b"1").unwrap();
        let path = folder.join("one.json");
        assert_eq!((held.path(), all(&folder).unwrap()), (path.as_path(), vec![path.clone()]));
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder)), (0o600, 0o700));
        assert!(Held::begin(&folder, "one", b"2").is_err());
        held.replace(b"12").unwrap();
        assert_eq!((mode(&path), fs::read_dir(&folder).unwrap().count()), (0o600, 1));
        assert!(matches!(Held::take(&path).unwrap(), Left::Busy));
        drop(held);
        let Left::Ours(held, text) = Held::take(&path).unwrap() else { panic!() };
        assert_eq!(text, "12");
        assert!(matches!(Held::take(&path).unwrap(), Left::Busy));
        held.remove().unwrap();
        assert!(matches!(Held::take(&path).unwrap(), Left::Gone));
    }
}
