//! Outputs that appear whole or not at all: a temporary file takes what is written and is then
//! moved, or copied, to its place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Seek, Write};
use std::path::{Path, PathBuf, is_separator};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::checkpoint::hex;
use crate::failure::{Failure, refuse};
use crate::inputs::{Inputs, same_file};
use crate::interrupt;

/// The endings of names that fit what an option writes.
const ENDINGS: [(&str, &[&str]); 5] = [
    ("--save-tuned", &["json"]),
    ("--out", &["npy", "csv"]),
    ("--plot", &["svg"]),
    ("--grid-image", &["png"]),
    ("--csv", &["csv"]),
];

/// A file being written. Dropped without [`finish`](Self::finish), it leaves nothing behind.
pub struct OutputFile {
    pub writer: BufWriter<NamedTempFile>,
    place: Place,
}

/// Where the temporary file goes in the end.
enum Place {
    /// To this name in its own folder.
    Renamed(PathBuf),
    /// Into what is there already: a pipe, a device, a file in a folder that takes no other.
    Copied(PathBuf, File),
    Stdout,
}

impl OutputFile {
    /// Opens the temporary file, so that a place that cannot be written to is known before the run.
    pub fn create(option: &str, path: &Path) -> Result<Self, Failure> {
        interrupt::watch();
        check_ending(option, path)?;
        Self::open(path).map_err(|why| {
            Failure::Input(format!("{option} {}: cannot be written: {why}", path.display()))
        })
    }

    fn open(path: &Path) -> Result<Self, String> {
        if is_stdout(path) {
            if io::stdout().is_terminal() {
                return Err("stdout is a terminal; redirect it, or name a file".into());
            }
            return Self::apart(Place::Stdout);
        }
        let said = |error: io::Error| error.to_string();
        let there = match fs::metadata(path) {
            Ok(there) if there.is_dir() => return Err("it is a folder".into()),
            Ok(there) if is_disk(&there) => return Err("it is a disk; name a file".into()),
            Ok(there) if there.is_file() && there.permissions().readonly() => {
                return Err("the file there is read-only".into());
            }
            Ok(there) => there,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::beside(path),
            Err(error) => return Err(said(error)),
        };
        let file = OpenOptions::new().write(true).open(path).map_err(said)?;
        if !there.is_file() || is_descriptor(path) {
            return Self::apart(Place::Copied(path.into(), file));
        }
        // A link is followed: the file it points to is replaced, not the link.
        let place = fs::canonicalize(path).map_err(said)?;
        match temporary(place.parent(), false) {
            Ok(temporary) => {
                keep_mode(&there, temporary.as_file());
                Ok(Self::new(temporary, Place::Renamed(place)))
            }
            Err(_) => Self::apart(Place::Copied(place, file)),
        }
    }

    /// A file in a place where there is none yet.
    fn beside(path: &Path) -> Result<Self, String> {
        let ends_as_folder =
            path.as_os_str().as_encoded_bytes().last().is_some_and(|&b| is_separator(b.into()));
        if ends_as_folder {
            return Err("there is no such folder".into());
        }
        let place = end_of_links(path);
        let Some(name) = place.file_name() else { return Err("no file name".into()) };
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")));
        let folder = folder.map_err(|error| error.to_string())?;
        let temporary = temporary(Some(&folder), false).map_err(|error| error.to_string())?;
        Ok(Self::new(temporary, Place::Renamed(folder.join(name))))
    }

    /// What is to be copied waits in the folder for temporary files.
    fn apart(place: Place) -> Result<Self, String> {
        let folder = std::env::temp_dir();
        let why = |error| format!("no temporary file in {}: {error}; set TMPDIR", folder.display());
        Ok(Self::new(temporary(Some(&folder), true).map_err(why)?, place))
    }

    fn new(temporary: NamedTempFile, place: Place) -> Self {
        Self { writer: BufWriter::with_capacity(1 << 20, temporary), place }
    }

    /// Whether `other` goes to the same place.
    fn clashes(&self, other: &Self) -> bool {
        match (&self.place, &other.place) {
            (Place::Stdout, Place::Stdout) => true,
            (
                Place::Renamed(one) | Place::Copied(one, _),
                Place::Renamed(two) | Place::Copied(two, _),
            ) => one == two || same_file(one, two),
            _ => false,
        }
    }

    /// The SHA-256 of what it holds.
    pub fn hash(&mut self) -> io::Result<String> {
        self.writer.flush()?;
        let mut file = self.writer.get_ref().as_file();
        let at = file.stream_position()?;
        file.rewind()?;
        let mut hasher = Sha256::new();
        io::copy(&mut file, &mut hasher)?;
        file.seek(io::SeekFrom::Start(at))?;
        Ok(hex(hasher))
    }

    /// The error of writing to it, as where the disk is full.
    pub fn failed(&self, error: impl std::fmt::Display) -> Failure {
        let name = match &self.place {
            Place::Renamed(path) | Place::Copied(path, _) => path.display().to_string(),
            Place::Stdout => "stdout".into(),
        };
        Failure::Run(format!("{name}: cannot be written: {error}"))
    }

    /// Fills it with the state file that `write` writes, and brings it to its place.
    pub fn fill(
        mut self,
        write: impl FnOnce(&mut BufWriter<NamedTempFile>) -> langevin::Result<()>,
    ) -> Result<(), Failure> {
        write(&mut self.writer).map_err(|error| self.failed(error))?;
        self.finish()
    }

    /// Closes the file and brings it to its place.
    pub fn finish(self) -> Result<(), Failure> {
        let name = self.failed("");
        let Self { writer, place } = self;
        let bring = || {
            let temporary = writer.into_inner()?;
            match place {
                Place::Renamed(path) => renamed(temporary, &path),
                Place::Copied(_, mut there) => copied(temporary, &mut there),
                Place::Stdout => {
                    temporary.as_file().rewind()?;
                    let mut stdout = io::stdout().lock();
                    io::copy(&mut temporary.as_file(), &mut stdout)?;
                    stdout.flush()
                }
            }
        };
        bring().map_err(|error| Failure::Run(format!("{name}{error}")))
    }
}

/// A name tells what is in a file.
fn check_ending(option: &str, path: &Path) -> Result<(), Failure> {
    let known = ENDINGS.iter().find(|(known, _)| *known == option);
    let Some((_, known)) = known else { return Ok(()) };
    let Some(given) = path.extension() else { return Ok(()) };
    let fits = |ending: &&str| given.eq_ignore_ascii_case(ending);
    let special = fs::metadata(path).is_ok_and(|there| !there.is_file());
    if special || known.iter().any(fits) {
        return Ok(());
    }
    let names: Vec<String> =
        known.iter().map(|ending| path.with_extension(ending).display().to_string()).collect();
    refuse(format!("{option} {}: expected a name as {}", path.display(), names.join(" or ")))
}

/// A dash, or a device that is the same.
pub fn is_stdout(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
}

/// Names of what is open already: a file behind one is written to and not replaced.
fn is_descriptor(path: &Path) -> bool {
    ["/dev/fd", "/proc/self/fd"].iter().any(|folder| path.starts_with(folder))
        || path == Path::new("/dev/stderr")
}

/// A device of blocks, which nobody means to overwrite.
fn is_disk(there: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        there.file_type().is_block_device()
    }
    #[cfg(not(unix))]
    {
        let _ = there;
        false
    }
}

/// What a link that leads nowhere points to.
fn end_of_links(path: &Path) -> PathBuf {
    let mut place = path.to_path_buf();
    // The system follows 40 links.
    for _ in 0..40 {
        let Ok(next) = fs::read_link(&place) else { break };
        place = place.parent().unwrap_or(Path::new("")).join(next);
    }
    place
}

/// A temporary file that an interrupt removes. Its name does not depend on the place, whose own
/// may be as long as names can be. Nobody else may read one in the folder that all share.
fn temporary(folder: Option<&Path>, is_private: bool) -> io::Result<NamedTempFile> {
    let folder = folder.unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".langevin.").suffix(".tmp");
    let mut temporary = interrupt::temporary();
    let file = if is_private {
        builder.tempfile_in(folder)
    } else {
        // `File::create_new` gives the file the permissions that any new file has.
        builder.make_in(folder, |path| File::create_new(path))
    }?;
    temporary.push(file.path().into());
    Ok(file)
}

/// Gives a new file the mode and the owner of the one it replaces, as far as the system lets it.
fn keep_mode(there: &fs::Metadata, file: &File) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let _ = fchown(file, Some(there.uid()), Some(there.gid()));
    }
    let _ = file.set_permissions(there.permissions());
}

/// Moves a file to its place. A place that cannot be renamed over, as a mount point, is written to.
fn renamed(temporary: NamedTempFile, place: &Path) -> io::Result<()> {
    temporary.as_file().sync_all()?;
    let Err(refused) = temporary.persist(place) else { return Ok(()) };
    match OpenOptions::new().write(true).open(place) {
        Ok(mut there) => copied(refused.file, &mut there),
        Err(_) => Err(refused.error),
    }
}

/// Copies a file into what is open.
fn copied(temporary: NamedTempFile, there: &mut File) -> io::Result<()> {
    temporary.as_file().rewind()?;
    let length = io::copy(&mut temporary.as_file(), there)?;
    if there.metadata()?.is_file() {
        there.set_len(length)?;
        there.sync_all()?;
    }
    Ok(())
}

/// Opens all files that were asked for, each with the option that names it: no two of them in one
/// place, and none in the place of an input.
pub fn create_all<const N: usize>(
    inputs: &Inputs,
    wanted: [(&'static str, Option<&Path>); N],
) -> Result<[Option<OutputFile>; N], Failure> {
    let mut files: [Option<OutputFile>; N] = [const { None }; N];
    for (second, (option, path)) in wanted.into_iter().enumerate() {
        let Some(path) = path else { continue };
        inputs.spare(option, path)?;
        let file = OutputFile::create(option, path)?;
        let same = |first: &Option<OutputFile>| first.as_ref().is_some_and(|f| f.clashes(&file));
        if let Some(first) = files.iter().position(same) {
            return refuse(format!(
                "{} and {option} name the same file; give them two",
                wanted[first].0
            ));
        }
        files[second] = Some(file);
    }
    Ok(files)
}

/// Fills a file, if there is one, and puts it in its place.
pub fn write_file(
    file: Option<OutputFile>,
    option: &str,
    make: impl FnOnce() -> Result<Vec<u8>, Failure>,
) -> Result<(), Failure> {
    let Some(mut file) = file else { return Ok(()) };
    let bytes = make().map_err(|error| Failure::Run(format!("{option}: {error}")))?;
    file.writer.write_all(&bytes).map_err(|error| file.failed(error))?;
    file.finish()
}

/// Prints to stdout; a reader that has gone away (`| head`) is no failure.
pub fn print_line(text: &str) -> Result<(), Failure> {
    print_to("stdout", io::stdout().lock(), text)
}

/// Prints a report: to stderr where one of the outputs has taken stdout.
pub fn print_report<const N: usize>(
    outputs: [Option<&Path>; N],
    text: &str,
) -> Result<(), Failure> {
    if outputs.into_iter().flatten().any(is_stdout) {
        print_to("stderr", io::stderr().lock(), text)
    } else {
        print_line(text)
    }
}

fn print_to(name: &str, mut to: impl Write, text: &str) -> Result<(), Failure> {
    match writeln!(to, "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Run(format!("{name}: {error}")))
        }
        _ => Ok(()),
    }
}
