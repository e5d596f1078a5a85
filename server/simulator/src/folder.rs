//! The data folder: where files lie, who owns it, and how to make sure that what was written stays written.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{Error, error::At};

/// The ending of names under which content is gathered.
const PARTIAL: &str = "partial";

/// A data folder that this simulator alone works in. A temporary one is removed with this value.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    temporary: bool,
    /// Held until the end; the system lets go of it when the process dies.
    _lock: File,
}

impl Folder {
    /// Opens `root`, or a new temporary folder, and waits a little for a predecessor to let go of it.
    pub(crate) async fn open(root: Option<&Path>) -> Result<Self, Error> {
        let temporary = root.is_none();
        let root = match root {
            Some(root) => root.to_owned(),
            None => std::env::temp_dir().join(format!("quire-simulator-{}", uuid::Uuid::now_v7())),
        };
        fs::create_dir_all(root.join("files")).at(&root)?;
        let path = root.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&path).at(&path)?;
        let patience = Instant::now() + Duration::from_secs(5);
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < patience => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(TryLockError::WouldBlock) => return Err(Error::InUse { path: root }),
                Err(TryLockError::Error(source)) => return Err(Error::File { path, source }),
            }
        }
        Ok(Self { root, temporary, _lock: lock })
    }

    /// Whether nothing is to be kept, so that nothing need be flushed to the disk.
    pub(crate) fn temporary(&self) -> bool {
        self.temporary
    }

    /// Where the database lies.
    pub(crate) fn database(&self) -> PathBuf {
        self.root.join("simulator.db")
    }

    /// Where the content with this id lies. Ids are made here and hold no separators.
    pub(crate) fn content(&self, id: &str) -> PathBuf {
        self.root.join("files").join(id)
    }

    /// Flushes a file's content to the disk.
    pub(crate) fn flush(&self, file: &File) -> io::Result<()> {
        if self.temporary { Ok(()) } else { file.sync_data() }
    }

    /// Flushes the names of files to the disk.
    pub(crate) fn flush_names(&self) -> Result<(), Error> {
        let path = self.root.join("files");
        if self.temporary { Ok(()) } else { File::open(&path).and_then(|dir| dir.sync_all()).at(path) }
    }

    /// Removes a file; one that isn't there is fine.
    pub(crate) fn remove(&self, path: &Path) {
        if let Err(error) = fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "a file could not be removed");
        }
    }

    /// Removes what an interrupted upload left behind.
    pub(crate) fn sweep(&self) -> Result<(), Error> {
        let path = self.root.join("files");
        for entry in fs::read_dir(&path).at(&path)? {
            let entry = entry.at(&path)?.path();
            if entry.extension().is_some_and(|ext| ext == PARTIAL) {
                self.remove(&entry);
            }
        }
        Ok(())
    }
}

/// Content that is being gathered. Unless it was kept, it goes with this value, however the gathering ends.
#[derive(Debug)]
pub(crate) struct Partial {
    folder: Arc<Folder>,
    id: String,
}

impl Partial {
    /// Begins to gather the content of this id.
    pub(crate) fn new(folder: &Arc<Folder>, id: &str) -> Self {
        Self { folder: folder.clone(), id: id.to_owned() }
    }

    /// Where it is gathered.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.root.join("files").join(format!("{}.{PARTIAL}", self.id))
    }

    /// Makes the written file whole under its id, on disk before this returns.
    pub(crate) fn keep(self, file: &File) -> Result<(), Error> {
        let (from, to) = (self.path(), self.folder.content(&self.id));
        self.folder.flush(file).at(&from)?;
        fs::rename(&from, &to).at(&to)?;
        self.folder.flush_names()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        self.folder.remove(&self.path());
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.root)
        {
            tracing::warn!(path = %self.root.display(), %error, "the temporary folder could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_temporary_folder_goes_with_its_value() {
        let folder = Folder::open(None).await.unwrap();
        let root = folder.root.clone();
        assert!(root.join("files").is_dir());
        drop(folder);
        assert!(!root.exists());
    }

    #[tokio::test]
    async fn a_folder_is_lent_to_one_at_a_time_and_swept() {
        let outer = Folder::open(None).await.unwrap();
        let root = outer.root.join("inner");
        let first = Folder::open(Some(&root)).await.unwrap();
        fs::write(first.content("x.partial"), "half").unwrap();
        fs::write(first.content("y"), "whole").unwrap();
        first.sweep().unwrap();
        assert!(!first.content("x.partial").exists() && first.content("y").exists());
        let late = tokio::spawn({
            let root = root.clone();
            async move { Folder::open(Some(&root)).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(first);
        assert!(late.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn what_is_not_kept_goes() {
        let folder = Arc::new(Folder::open(None).await.unwrap());
        let lost = Partial::new(&folder, "lost");
        fs::write(lost.path(), "half").unwrap();
        let path = lost.path();
        drop(lost);
        assert!(!path.exists());
        let kept = Partial::new(&folder, "kept");
        let file = File::create(kept.path()).unwrap();
        kept.keep(&file).unwrap();
        assert!(folder.content("kept").exists());
    }
}
