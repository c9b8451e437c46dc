//! The defects that the practice authorization server can be given, each a word.

use crate::model::plan::defect::defects;

defects! {
    /// Something that is wrong with the practice authorization server or with what it guards.
    Defect;
    /// A set of defects.
    Defects;

    /// Expired access tokens are accepted.
    AcceptsExpired = "accepts-expired",
    /// A missing or bad token is answered 403 instead of 401.
    RefusesWith403 = "refuses-with-403",
    /// A missing or bad token is answered 500.
    RefusesWith500 = "refuses-with-500",
    /// A missing or bad token is answered 200, with a result that is an error.
    RefusesWith200 = "refuses-with-200",
    /// A missing or bad token is answered with a redirect to a page for people.
    RefusesWithRedirect = "refuses-with-redirect",
    /// A 401 does not name the resource's metadata.
    NoResourceMetadata = "no-resource-metadata",
    /// A refresh gives no new refresh token, for all that `rotate` says.
    NoRotation = "no-rotation",
    /// A rotated refresh token stays good for ever.
    AcceptsOldRefresh = "accepts-old-refresh",
    /// Two refreshes of one token within a second revoke the grant, whatever the grace.
    RaceKillsGrant = "race-kills-grant",
    /// Registered clients are forgotten.
    ForgetsClients = "forgets-clients",
    /// Tokens are bound to no audience, and those for another resource are accepted.
    IgnoresResource = "ignores-resource",
    /// A refresh beside another one of the same grant is answered 500.
    ParallelRefresh500 = "parallel-refresh-500",
    /// The token endpoint takes long.
    SlowToken = "slow-token",
    /// A refresh is done, and its answer cut off.
    LosesAnswer = "loses-answer",
    /// Metadata is a page for people.
    MetadataHtml = "metadata-html",
    /// Metadata is longer than anybody should read.
    MetadataOversized = "metadata-oversized",
    /// Metadata redirects to itself.
    MetadataLoops = "metadata-loops",
    /// The authorization server's metadata says it is another issuer's.
    MetadataOtherIssuer = "metadata-other-issuer",
    /// The resource's metadata says it is another resource's.
    MetadataOtherResource = "metadata-other-resource",
    /// The token endpoint of the metadata is an address in a private range.
    MetadataPrivateAddress = "metadata-private-address",
    /// The token endpoint of the metadata is plain HTTP on another machine.
    MetadataPlainHttp = "metadata-plain-http",
    /// The callback has no `iss`, though metadata promises it.
    IssMissing = "iss-missing",
    /// The callback's `iss` is another issuer.
    IssWrong = "iss-wrong",
    /// The callback has no `state`.
    StateDropped = "state-dropped",
}
