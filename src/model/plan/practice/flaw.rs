//! The defects that the practice target can be given, each a word: what a check has to find.

use crate::model::plan::defect::defects;

defects! {
    /// Something that is wrong with the practice target itself.
    Flaw;
    /// A set of them.
    Flaws;
    /// A request in a session that is not open is answered 400 instead of 404.
    LostSession400 = "lost-session-400",
    /// A request in a session that is not open is answered 200, with an error.
    LostSession200 = "lost-session-200",
    /// A request in a session that was never issued is served.
    AnySession = "any-session",
    /// A session serves every user that knows its id.
    ForeignSessions = "foreign-sessions",
    /// DELETE is accepted, and the session goes on.
    IgnoresDelete = "ignores-delete",
    /// Sessions that nobody uses are not ended, whatever `idle` says.
    KeepsIdle = "keeps-idle",
    /// Each session that is open makes the next handshake 0.1 ms slower.
    LeaksSessions = "leaks-sessions",
    /// After 100 open sessions no more of them are opened.
    FewSessions = "few-sessions",
    /// A call whose client leaves keeps its place for ever; there are ten.
    AbortsKeepPlaces = "aborts-keep-places",
    /// A call whose client leaves keeps its place in the session for ever; there are five.
    AbortsKeepSessions = "aborts-keep-sessions",
    /// Once ten clients left in the middle of a call, every call takes 0.3 s longer.
    StaysSlow = "stays-slow",
    /// A call that is cancelled is answered all the same.
    IgnoresCancel = "ignores-cancel",
    /// A call that is cancelled is answered with an error that says so.
    AnswersCancelled = "answers-cancelled",
    /// The stream of a call that is cancelled stays open.
    CancelledStreamsStay = "cancelled-streams-stay",
    /// A call that is cancelled keeps a worker for another three seconds.
    CancelledWorkGoesOn = "cancelled-work-goes-on",
    /// A call that is cancelled takes its session with it.
    CancelKillsSession = "cancel-kills-session",
    /// A cancellation right after the answer takes its session with it.
    DiesOnCancelRace = "dies-on-cancel-race",
    /// Streams and calls on which nothing happens for 1.5 s are cut.
    CutsIdleStreams = "cuts-idle-streams",
    /// Streams and calls on which nothing happens for 11 s are cut.
    CutsSilentStreams = "cuts-silent-streams",
    /// Streams are cut at the age of 11 s, though something is sent on them each second.
    CutsOldStreams = "cuts-old-streams",
    /// What calls say is kept back until their answer is there.
    BuffersStreams = "buffers-streams",
    /// Answers to calls of one session with the same id, in flight at once, are exchanged.
    CrossesAnswers = "crosses-answers",
    /// Now and then a call is answered with what a call in another session was answered.
    MixesSessions = "mixes-sessions",
    /// Now and then a call is answered with what another user's call was answered.
    MixesUsers = "mixes-users",
    /// Of calls of one session with the same id, in flight at once, the first alone is answered.
    SameIdHangs = "same-id-hangs",
    /// A call with an id that its session used before is refused.
    RefusesUsedIds = "refuses-used-ids",
    /// A call with the id 0 is taken for one without an id.
    ZeroIdMissing = "zero-id-missing",
    /// Connections go to two replicas in turn; a session is known to the one that opened it.
    SessionPerReplica = "session-per-replica",
    /// Connections go to a replica by their address; a session is known to the one that opened it.
    SessionPerAddress = "session-per-address",
    /// The second half of a handshake is taken on the connection of the first half alone.
    InitializedElsewhere404 = "initialized-elsewhere-404",
    /// Now and then an answer has an id that no request had.
    OtherIds = "other-ids",
    /// The progress of calls that tell it goes back.
    ProgressGoesBack = "progress-goes-back",
    /// Now and then a session is forgotten while it is used.
    LosesSessions = "loses-sessions",
    /// Now and then the stream of an answer ends without it.
    LosesAnswers = "loses-answers",
    /// Now and then an answer comes twice.
    AnswersTwice = "answers-twice",
    /// Now and then a call is never answered.
    NeverAnswers = "never-answers",
    /// The rate limit allows half as much again as it is set to.
    LimitTooLax = "limit-too-lax",
    /// The rate limit allows half of what it is set to.
    LimitTooStrict = "limit-too-strict",
    /// The rate limit counts by address, whatever it is set to count by.
    LimitPerAddress = "limit-per-address",
    /// Each of two replicas has a rate limit of its own, and connections go to either.
    LimitPerReplica = "limit-per-replica",
    /// The rate limit counts in fixed windows: twice as much is served about the edge of two.
    LimitFixedWindow = "limit-fixed-window",
    /// Who obeys Retry-After is still refused: it says half of what is left, 1 s at least.
    RetryAfterShort = "retry-after-short",
    /// A request past the rate limit is not told when to come again.
    RetryAfterMissing = "retry-after-missing",
    /// Retry-After says ten times what is left, and 10 s more.
    RetryAfterLong = "retry-after-long",
    /// A request past the rate limit is answered 200, with a result that has isError.
    LimitIsError = "limit-is-error",
    /// A request past the rate limit is answered 200, with a JSON-RPC error.
    LimitRpcError = "limit-rpc-error",
    /// A request past the rate limit is answered 503.
    Limit503 = "limit-503",
    /// A request past the rate limit is answered 500, and nothing says that it is a limit.
    Limit500 = "limit-500",
    /// While somebody is being refused, every third request of the others is, once five users came.
    LimitHitsQuiet = "limit-hits-quiet",
    /// Who was refused by the rate limit is refused at the token endpoint, too.
    LimitSharesToken = "limit-shares-token",
    /// The endpoint redirects to its URL with a slash at the end.
    EndpointRedirect = "endpoint-redirect",
    /// The endpoint's URL with a slash at the end redirects to the one without.
    SlashRedirect = "slash-redirect",
    /// GET at the endpoint is answered 500.
    Get500 = "get-500",
    /// DELETE at the endpoint is answered 500.
    Delete500 = "delete-500",
    /// A request of a page of any origin is answered.
    AnyOrigin = "any-origin",
    /// Any page may ask with its user's cookies.
    CorsCredentials = "cors-credentials",
    /// Whatever is refused is refused with a page for people.
    HtmlErrors = "html-errors",
    /// Event streams do not ask to be passed on at once.
    BufferedStreams = "buffered-streams",
    /// The page of health answers 503.
    Unhealthy = "unhealthy",
    /// Initialize takes longer than hosted clients wait.
    SlowHandshake = "slow-handshake",
    /// The method server/discover is never answered.
    DiscoverHangs = "discover-hangs",
    /// The method server/discover is answered 500.
    Discover500 = "discover-500",
    /// A method that does not exist is answered 500; it begins with `squall/`.
    UnknownMethod500 = "unknown-method-500",
    /// A method that does not exist is refused with another code; it begins with `squall/`.
    UnknownMethodCode = "unknown-method-code",
    /// Initialize agrees to any revision.
    EchoesVersion = "echoes-version",
    /// A request of an unknown revision is not told which ones there are.
    VersionUnsaid = "version-unsaid",
    /// Headers that say something else than the body are believed.
    TrustsHeaders = "trusts-headers",
    /// A body that is no JSON is answered 500.
    BrokenJson500 = "broken-json-500",
    /// Large ids come back rounded.
    RoundsIds = "rounds-ids",
    /// Tools do not say whether they change anything; all but `search`.
    UnannotatedTools = "unannotated-tools",
    /// Tools have no title.
    UntitledTools = "untitled-tools",
    /// The name of a tool is too long.
    LongNames = "long-names",
    /// The description of a tool is too long.
    LongDescriptions = "long-descriptions",
    /// Two tools have one name.
    DuplicateTools = "duplicate-tools",
    /// There are more tools than a conversation should begin with.
    ManyTools = "many-tools",
    /// The list of tools is large.
    LargeList = "large-list",
    /// The list of tools changes its order each time.
    UnorderedLists = "unordered-lists",
    /// Every call of a tool fails with a JSON-RPC error.
    FailingTools = "failing-tools",
    /// Results are longer than clients read.
    LargeResults = "large-results",
    /// A call of a tool that does not exist is answered 500.
    UnknownTool500 = "unknown-tool-500",
    /// Errors of calls say nothing.
    BareErrors = "bare-errors",
    /// While one request is worked on nobody else's is.
    OneGlobalLock = "one-global-lock",
    /// Four requests are worked on at once, whatever they ask.
    FourWorkers = "four-workers",
    /// Calls of tools are worked on one after another.
    SerialisesCalls = "serialises-calls",
    /// Calls in one session are worked on one after another.
    SerialisesSessions = "serialises-sessions",
    /// A call is answered 500 while another one is worked on.
    RefusesParallelCalls = "refuses-parallel-calls",
    /// No call is worked on until the answer to the one before has been read.
    WaitsForReaders = "waits-for-readers",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::plan::Defect;

    #[test]
    fn every_defect_has_a_word_and_a_sentence_of_its_own() {
        let own = Flaw::WORDS.map(|(word, flaw)| (word, flaw.sentence()));
        let guard = Defect::WORDS.map(|(word, defect)| (word, defect.sentence()));
        let all: Vec<_> = own.into_iter().chain(guard).collect();
        let words: BTreeSet<_> = all.iter().map(|(word, _)| word).collect();
        let sentences: BTreeSet<_> = all.iter().map(|(_, sentence)| sentence).collect();
        assert_eq!((words.len(), sentences.len()), (all.len(), all.len()));
        for (word, sentence) in all {
            let is_kebab = word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit());
            assert!(is_kebab, "{word}");
            assert!(sentence.ends_with('.') && !sentence.contains("  "), "{sentence}");
        }
    }
}
