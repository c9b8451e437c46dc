//! Files: what a command reads, and report folders that are complete or absent.
#![expect(clippy::disallowed_methods, reason = "this file is where files are touched")]

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// Space that a folder under way holds for its own end, in bytes.
const RESERVED: u64 = 8 * 1024 * 1024;
const RESERVE: &str = ".reserved";
/// Held as long as a squall writes the folder.
const LOCK: &str = ".lock";

/// Why a file or folder could not be used.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A file cannot be read.
    #[error("cannot read {path}: {cause}")]
    Read {
        /// Which one.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {cause}")]
    Put {
        /// Which one.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The folder exists already.
    #[error("the report folder {0} exists already; name another with --out, or remove it")]
    Exists(String),
    /// The folder cannot be made or written.
    #[error("cannot write the report folder {path}: {cause}")]
    Write {
        /// Which one.
        path: String,
        /// What the system said.
        cause: io::Error,
    },
}

/// Whether a file can be put where this path says.
///
/// # Errors
/// What the system says to it.
pub fn writable_beside(path: &str) -> Result<(), FilesError> {
    let failed = |cause| FilesError::Put { path: path.to_owned(), cause };
    if Path::new(path).is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    let path = led_to(path).map_err(failed)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    tempfile_in(folder).map_err(failed)
}

/// Where a path leads, if it is a symbolic link: what is there is replaced, the link stays.
fn led_to(path: &str) -> io::Result<PathBuf> {
    if !Path::new(path).is_symlink() {
        return Ok(path.into());
    }
    fs::canonicalize(path).map_err(|cause| {
        io::Error::new(cause.kind(), format!("it is a symbolic link that leads nowhere ({cause})"))
    })
}

/// Makes a file that is gone at once.
fn tempfile_in(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".squall-{}.probe", std::process::id()));
    fs::write(&probe, [])?;
    fs::remove_file(&probe)
}

/// The text of a file.
pub fn read(path: &str) -> Result<String, FilesError> {
    fs::read_to_string(path).map_err(|cause| FilesError::Read { path: path.to_owned(), cause })
}

/// Puts files into a folder, made if it is not there; each replaces its namesake in one step, and
/// nothing else in the folder is touched.
pub fn replace_all(folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), FilesError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let failed = |cause| FilesError::Write { path: folder.display().to_string(), cause };
    fs::create_dir_all(folder).map_err(failed)?;
    for (name, content) in files {
        let partial = folder.join(format!(".{name}.partial"));
        let written = fs::write(&partial, content)
            .and_then(|()| fs::rename(&partial, folder.join(name)))
            .map_err(failed);
        if written.is_err() {
            // Nothing can be done about a file that cannot be removed; its name says what it is.
            let _left = fs::remove_file(&partial).is_err();
            return written;
        }
    }
    Ok(())
}

/// Replaces a file that holds secrets, in one step; nobody else may read it (mode 0600). Of a
/// symbolic link it is the file that the link leads to.
pub fn replace_private(path: &str, content: &[u8]) -> Result<(), FilesError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |cause| FilesError::Put { path: path.to_owned(), cause };
    let path = led_to(path).map_err(failed)?;
    let mut partial = path.clone().into_os_string();
    partial.push(".partial");
    // One that was left over may be readable by others.
    let _none_left = fs::remove_file(&partial).is_err();
    let mut options = fs::OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(&partial);
    let written = opened.and_then(|mut file| file.write_all(content));
    let written = written.and_then(|()| fs::rename(&partial, &path));
    if written.is_err() {
        let _left = fs::remove_file(&partial).is_err();
    }
    written.map_err(failed)
}

/// Whether there is such a file.
pub fn exists(path: &str) -> bool {
    Path::new(path).exists()
}

/// A report folder under way: made, with space reserved, under a name that says it is not complete.
///
/// [`Folder::complete`] gives it its name in one step; dropped before that, it is removed.
#[derive(Debug)]
pub struct Folder {
    partial: PathBuf,
    whole: PathBuf,
    completed: bool,
    _lock: fs::File,
}

impl Folder {
    /// Makes the folder and reserves space in it. What a squall that was killed left under this
    /// name is removed; what one that is alive holds is not touched.
    pub fn begin(whole: &Path) -> Result<Self, FilesError> {
        if whole.exists() {
            return Err(FilesError::Exists(whole.display().to_string()));
        }
        let name = whole.file_name().unwrap_or_default().to_string_lossy();
        let partial = whole.with_file_name(format!(".{name}.partial"));
        let failed = |cause| FilesError::Write { path: whole.display().to_string(), cause };
        fs::create_dir_all(&partial).map_err(failed)?;
        let lock = fs::File::create(partial.join(LOCK)).map_err(failed)?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(FilesError::Exists(whole.display().to_string()));
        }
        let folder = Self { partial, whole: whole.to_owned(), completed: false, _lock: lock };
        folder.clear().and_then(|()| folder.reserve()).map_err(failed)?;
        Ok(folder)
    }

    fn clear(&self) -> io::Result<()> {
        for left in fs::read_dir(&self.partial)? {
            let left = left?.path();
            if !left.ends_with(LOCK) {
                fs::remove_file(left)?;
            }
        }
        Ok(())
    }

    fn reserve(&self) -> io::Result<()> {
        let file = fs::File::create(self.partial.join(RESERVE))?;
        let flags = rustix::fs::FallocateFlags::empty();
        match rustix::fs::fallocate(&file, flags, 0, RESERVED) {
            // Some file systems cannot reserve; then the space is merely not promised.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::INVAL) | Ok(()) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Gives the reserved space back to the files about to be written.
    pub fn release(&self) {
        // Gone already is as good.
        let _gone = fs::remove_file(self.partial.join(RESERVE)).is_err();
    }

    /// Writes one file of the report.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), FilesError> {
        self.write_all(name, content)
            .map_err(|cause| FilesError::Write { path: self.whole.display().to_string(), cause })
    }

    fn write_all(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut file = fs::File::create(self.partial.join(name))?;
        file.write_all(content)?;
        file.sync_all()
    }

    /// Gives the folder its name.
    pub fn complete(mut self) -> Result<PathBuf, FilesError> {
        self.release();
        let failed = |cause| FilesError::Write { path: self.whole.display().to_string(), cause };
        fs::remove_file(self.partial.join(LOCK)).map_err(failed)?;
        fs::rename(&self.partial, &self.whole)
            .map_err(|cause| FilesError::Write { path: self.whole.display().to_string(), cause })?;
        self.completed = true;
        Ok(self.whole.clone())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.completed {
            // Nothing can be done about a folder that cannot be removed; its name says what it is.
            let _left = fs::remove_dir_all(&self.partial).is_err();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("squall-{}-{name}", std::process::id()));
        let _absent = fs::remove_dir_all(&path).is_err();
        path
    }

    #[test]
    fn a_folder_is_complete_or_absent() {
        let path = scratch("complete");
        let folder = Folder::begin(&path).unwrap();
        folder.write("a.txt", b"a").unwrap();
        assert!(!path.exists());
        drop(folder);
        assert!(!path.exists());
        let folder = Folder::begin(&path).unwrap();
        folder.write("b.txt", b"b").unwrap();
        assert_eq!(folder.complete().unwrap(), path);
        let names: Vec<_> =
            fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["b.txt"]);
        assert!(matches!(Folder::begin(&path), Err(FilesError::Exists(_))));
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = scratch("link");
        fs::create_dir_all(folder.join("kept")).unwrap();
        let (link, file) = (folder.join("grants.jsonl"), folder.join("kept/grants.jsonl"));
        fs::write(&file, "before").unwrap();
        std::os::unix::fs::symlink("kept/grants.jsonl", &link).unwrap();
        let path = link.to_str().unwrap();
        writable_beside(path).unwrap();
        replace_private(path, b"after").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "after");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "the link and the folder");
        fs::remove_file(&file).unwrap();
        for said in [writable_beside(path), replace_private(path, b"x")] {
            let said = said.unwrap_err().to_string();
            assert!(said.contains("it is a symbolic link that leads nowhere"), "{said}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_folder_that_is_being_written_is_nobody_elses() {
        let path = scratch("held");
        let held = Folder::begin(&path).unwrap();
        held.write("a.txt", b"a").unwrap();
        assert!(matches!(Folder::begin(&path), Err(FilesError::Exists(_))));
        held.complete().unwrap();
        assert!(path.join("a.txt").exists());
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn what_a_killed_run_left_is_taken_over() {
        let path = scratch("left");
        let left = path
            .with_file_name(format!(".{}.partial", path.file_name().unwrap().to_string_lossy()));
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("old.txt"), "old").unwrap();
        let folder = Folder::begin(&path).unwrap();
        folder.complete().unwrap();
        assert!(!path.join("old.txt").exists());
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn files_replace_their_namesakes_only() {
        let path = scratch("replace");
        replace_all(&path, &[("a.txt", b"old".to_vec())]).unwrap();
        fs::write(path.join("notes.txt"), "mine").unwrap();
        replace_all(&path, &[("a.txt", b"new".to_vec()), ("b.txt", b"b".to_vec())]).unwrap();
        let read = |name: &str| fs::read_to_string(path.join(name)).unwrap();
        assert_eq!(["a.txt", "b.txt", "notes.txt"].map(read), ["new", "b", "mine"]);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 3);
        // A folder of that name cannot be replaced by a file.
        fs::create_dir_all(path.join("c.txt/full")).unwrap();
        assert!(replace_all(&path, &[("c.txt", b"c".to_vec())]).is_err());
        assert!(!path.join(".c.txt.partial").exists());
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn whether_a_file_can_be_put_somewhere_leaves_nothing_there() {
        let path = scratch("beside");
        fs::create_dir_all(path.join("folder")).unwrap();
        fs::write(path.join("there.txt"), "mine").unwrap();
        let tried = |name: &str| writable_beside(path.join(name).to_str().unwrap());
        for name in ["there.txt", "new.txt", "folder/new.txt"] {
            tried(name).unwrap();
        }
        for name in ["folder", "none/new.txt", "there.txt/new.txt"] {
            let said = tried(name).unwrap_err().to_string();
            let expected = format!("cannot write {}: ", path.join(name).display());
            assert!(said.starts_with(&expected), "{said}");
        }
        assert_eq!(fs::read_to_string(path.join("there.txt")).unwrap(), "mine");
        let left = |folder: &Path| fs::read_dir(folder).unwrap().count();
        assert_eq!((left(&path), left(&path.join("folder"))), (2, 0));
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_says_where() {
        let error = Folder::begin(Path::new("/proc/nowhere/report")).unwrap_err();
        assert!(error.to_string().contains("/proc/nowhere/report"), "{error}");
    }
}
