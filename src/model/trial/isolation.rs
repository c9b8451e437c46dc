//! What `check-isolation` tries.

/// One thing that is done to see whose an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// A call with nobody beside it, by which it was learnt how this tool's answers are told apart.
    Learnt(String, Means),
    /// One of several calls at once that have one id.
    Together(Among, Whose),
    /// A call with an id that was chosen for it.
    Numbered(Numbered),
}

/// How a tool's answers are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// They echo a nonce.
    Echo,
    /// What so many arguments are answered is known, and is never the same.
    Prints(usize),
    /// Not at all: the same arguments are answered differently.
    Changing,
    /// Not at all: different arguments are answered the same.
    Alike,
    /// The tool does not answer well.
    Failing,
}

/// Among what calls are made at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Among {
    /// All in one session, each with an id of its own: what the others are held against.
    Apart,
    /// All in one session.
    Session,
    /// Each in a session of its own, all of one user.
    Sessions,
    /// Each in a session of its own, of several users.
    Users,
}

/// Whose an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Nobody can tell, or none came.
    Untold,
    /// The call's own.
    Own,
    /// Another call's.
    Other,
}

/// A call with an id that was chosen for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// The id, as JSON.
    pub id: &'static str,
    /// It was used before in the same session, and that call was over.
    pub again: bool,
    /// The id of the answer, as it came, if one came.
    pub answer: Option<String>,
}

/// An id that no server has trouble with: what is answered to the others is held against it.
pub const ORDINARY: &str = "4711";
