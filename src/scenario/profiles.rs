//! The client profiles that come with squall, and how a scenario names one.

/// A profile file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// Its name, as scenarios write it.
    pub name: &'static str,
    /// The month it describes, `YYYY-MM`.
    pub date: &'static str,
    /// The file.
    pub text: &'static str,
}

impl Shipped {
    /// Its name with its month.
    pub fn full(&self) -> String {
        format!("{}@{}", self.name, self.date)
    }
}

/// Every profile that comes with squall.
pub const SHIPPED: [Shipped; 11] = [
    Shipped {
        name: "api-connector",
        date: "2026-08",
        text: include_str!("../../scenarios/profiles/api-connector@2026-08.toml"),
    },
    Shipped {
        name: "claude-ai-legacy",
        date: "2026-09",
        text: include_str!("../../scenarios/profiles/claude-ai-legacy@2026-09.toml"),
    },
    Shipped {
        name: "claude-ai-modern",
        date: "2026-10",
        text: include_str!("../../scenarios/profiles/claude-ai-modern@2026-10.toml"),
    },
    Shipped {
        name: "claude-code-v1",
        date: "2026-08",
        text: include_str!("../../scenarios/profiles/claude-code-v1@2026-08.toml"),
    },
    Shipped {
        name: "claude-code-v2",
        date: "2026-08",
        text: include_str!("../../scenarios/profiles/claude-code-v2@2026-08.toml"),
    },
    Shipped {
        name: "claude-code-via-proxy",
        date: "2026-09",
        text: include_str!("../../scenarios/profiles/claude-code-via-proxy@2026-09.toml"),
    },
    Shipped {
        name: "claude-desktop",
        date: "2026-09",
        text: include_str!("../../scenarios/profiles/claude-desktop@2026-09.toml"),
    },
    Shipped {
        name: "mcp-remote",
        date: "2026-11",
        text: include_str!("../../scenarios/profiles/mcp-remote@2026-11.toml"),
    },
    Shipped {
        name: "plain",
        date: "2026-11",
        text: include_str!("../../scenarios/profiles/plain@2026-11.toml"),
    },
    Shipped {
        name: "spec",
        date: "2026-11",
        text: include_str!("../../scenarios/profiles/spec@2026-11.toml"),
    },
    Shipped {
        name: "toolbox-inspector",
        date: "2026-09",
        text: include_str!("../../scenarios/profiles/toolbox-inspector@2026-09.toml"),
    },
];

/// The shipped profile that `name` or `name@date` means: without a date the newest.
pub fn shipped(name: &str) -> Option<Shipped> {
    let (name, date) = match name.split_once('@') {
        Some((name, date)) => (name, Some(date)),
        None => (name, None),
    };
    let fits =
        |profile: &Shipped| profile.name == name && date.is_none_or(|date| date == profile.date);
    SHIPPED.into_iter().filter(fits).max_by_key(|profile| profile.date)
}

/// Whether a scenario means a file of its own, not a shipped profile.
pub fn is_path(name: &str) -> bool {
    name.contains(['/', '\\'])
        || std::path::Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

/// The names that can be given, for a message.
pub fn known() -> String {
    SHIPPED.map(|profile| format!("{}@{}", profile.name, profile.date)).join(", ")
}

#[cfg(test)]
mod tests {
    use super::{is_path, shipped};

    #[test]
    fn a_name_without_a_date_is_the_newest() {
        assert_eq!(shipped("claude-ai-legacy").map(|p| p.date), Some("2026-09"));
        assert_eq!(shipped("claude-ai-legacy@2026-09").map(|p| p.date), Some("2026-09"));
        assert_eq!(shipped("claude-ai-legacy@2020-01"), None);
        assert_eq!(shipped("claude"), None);
    }

    #[test]
    fn a_path_looks_like_one() {
        assert!(is_path("./mine") && is_path("mine.toml") && is_path("a/b@2026-01.toml"));
        assert!(!is_path("plain") && !is_path("plain@2026-11"));
    }
}
