//! A program with its arguments, described before it runs.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::secret::Secret;

/// A program with its arguments, never a line for a shell. Its Display form can be pasted into one, and holds no secret:
/// secrets go in by [`Stdin::Secret`] alone, for arguments and environment are open to every user of the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    pub(super) program: String,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) stdin: Stdin,
    pub(super) timeout: Duration,
    pub(super) privilege: Privilege,
    pub(super) withheld: bool,
}

/// What a command reads from its standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing.
    Empty,
    /// A text that may be shown.
    Public(String),
    /// A text that may not. Where the command repeats it, it is masked.
    Secret(Secret),
}

/// As whom a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// As the user of this process.
    Own,
    /// As root, by `sudo -n` where this process is not root.
    Root,
}

/// Commands that ask something answer within this time.
pub(super) const QUESTION: Duration = Duration::from_secs(20);

impl Command {
    /// The program `program`, looked for on the search path, or at its absolute path. It has [`QUESTION`] to end.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            stdin: Stdin::Empty,
            timeout: QUESTION,
            privilege: Privilege::Own,
            withheld: false,
        }
    }

    /// Adds arguments.
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds a variable of the environment, which otherwise holds little more than the search path.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Gives it a standard input.
    pub fn stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    /// Gives it `timeout` to end. After that it and all its children are killed.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs it as root.
    pub fn as_root(mut self) -> Self {
        self.privilege = Privilege::Root;
        self
    }

    /// Keeps its output out of the log, because it is long or may hold secrets.
    pub fn withhold_output(mut self) -> Self {
        self.withheld = true;
        self
    }

    /// The program and its arguments.
    pub fn argv(&self) -> Vec<String> {
        std::iter::once(&self.program).chain(&self.args).cloned().collect()
    }

    /// Variables that it gets beside the few that every command gets.
    pub fn environment(&self) -> &[(String, String)] {
        &self.env
    }

    /// As whom it runs.
    pub fn privilege(&self) -> Privilege {
        self.privilege
    }

    /// Its standard input.
    pub fn input(&self) -> &Stdin {
        &self.stdin
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.env {
            write!(f, "{name}={} ", quoted(value))?;
        }
        f.write_str(&quoted(&self.program))?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}
