//! One file to which bytes are appended so that they are there after a crash, or not at all.

use std::io;

use crate::disk::{Disk, DiskFile};
use crate::error::Broken;

/// A file of which the first `size` bytes are durable and right; what is after them is waste.
#[derive(Debug)]
pub(crate) struct Durable<F> {
    name: String,
    size: u64,
    /// It was found, and nobody knows whether its bytes are durable.
    found: bool,
    /// `None` after every failure: the next use opens it again and cuts the waste.
    open: Option<F>,
}

impl<F: DiskFile> Durable<F> {
    /// A file that is there, of which so many bytes are right.
    pub(crate) fn found(name: String, size: u64) -> Durable<F> {
        Durable { name, size, found: true, open: None }
    }

    /// A new file; what stands under its name was never acknowledged, and goes.
    pub(crate) fn begin<D: Disk<File = F>>(disk: &D, name: String) -> Result<Self, Broken> {
        let mut file = disk.create(&name)?;
        file.cut(0)?;
        Ok(Durable { name, size: 0, found: false, open: Some(file) })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Appends bytes and makes them durable.
    ///
    /// After a failed sync the kernel may call lost pages clean, so that a second sync of the same
    /// bytes proves nothing: any failure drops the file, and its waste is cut before the next use.
    pub(crate) fn append<D: Disk<File = F>>(
        &mut self,
        disk: &D,
        bytes: &[u8],
    ) -> Result<(), Broken> {
        let mut file = self.sound(disk)?;
        write_all(&mut file, bytes)?;
        prepl_fault::point("audit.written");
        file.sync()?;
        self.size += bytes.len() as u64;
        self.open = Some(file);
        Ok(())
    }

    /// Makes sure that the file holds what is durable and nothing else.
    pub(crate) fn repair<D: Disk<File = F>>(&mut self, disk: &D) -> Result<(), Broken> {
        self.open = Some(self.sound(disk)?);
        Ok(())
    }

    fn sound<D: Disk<File = F>>(&mut self, disk: &D) -> Result<F, Broken> {
        let Some(file) = self.open.take() else { return self.reopen(disk) };
        match size(&file)? == self.size {
            true => Ok(file),
            false => Err(Broken::Changed),
        }
    }

    fn reopen<D: Disk<File = F>>(&mut self, disk: &D) -> Result<F, Broken> {
        let mut file = disk.open(&self.name).map_err(gone)?;
        let there = size(&file)?;
        if there < self.size {
            return Err(Broken::Changed);
        }
        if there > self.size {
            file.cut(self.size)?;
            file.sync()?;
        }
        if self.found {
            disk.refresh(&self.name)?;
            disk.sync_folder()?;
            self.found = false;
        }
        Ok(file)
    }
}

fn size<F: DiskFile>(file: &F) -> Result<u64, Broken> {
    file.size().map_err(gone)
}

fn gone(error: io::Error) -> Broken {
    match error.kind() {
        io::ErrorKind::NotFound => Broken::Changed,
        _ => Broken::Io(error),
    }
}

fn write_all<F: DiskFile>(file: &mut F, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.append(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
