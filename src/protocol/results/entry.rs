//! Entries of lists that a client goes on to use: resources to read, prompts to get.

use serde::Deserialize;

use super::list::objects;

/// One page of `resources/list`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourcesPage {
    /// The resources, in the server's order.
    #[serde(deserialize_with = "objects")]
    pub resources: Vec<Resource>,
    /// Where the next page begins; the empty string is a cursor, too.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Resource {
    /// What `resources/read` asks for.
    pub uri: String,
    /// Its name.
    pub name: String,
}

/// One page of `resources/templates/list`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplatesPage {
    /// The templates, in the server's order.
    #[serde(deserialize_with = "objects")]
    pub resource_templates: Vec<Template>,
    /// Where the next page begins; the empty string is a cursor, too.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// One template of resources.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// RFC 6570.
    pub uri_template: String,
    /// Its name.
    pub name: String,
}

/// One page of `prompts/list`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptsPage {
    /// The prompts, in the server's order.
    #[serde(deserialize_with = "objects")]
    pub prompts: Vec<Prompt>,
    /// Where the next page begins; the empty string is a cursor, too.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// One prompt.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Prompt {
    /// What `prompts/get` asks for.
    pub name: String,
    /// What it wants to know.
    #[serde(default)]
    pub arguments: Option<Vec<Argument>>,
}

/// One argument of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// It has to be given.
    #[serde(default)]
    pub required: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        let text = r#"{"resources":[{"uri":"a","name":"b","size":5}],"nextCursor":""}"#;
        let page: ResourcesPage = serde_json::from_str(text).unwrap();
        assert_eq!(page.resources, [Resource { uri: "a".into(), name: "b".into() }]);
        assert_eq!(page.next_cursor.as_deref(), Some(""));
        let text = r#"{"resourceTemplates":[{"uriTemplate":"a/{b}","name":"c"}]}"#;
        let page: TemplatesPage = serde_json::from_str(text).unwrap();
        assert_eq!(page.resource_templates[0].uri_template, "a/{b}");
        let text = r#"{"prompts":[{"name":"p"},{"name":"q","arguments":[{"name":"a","required":true},{"name":"b"}]}]}"#;
        let page: PromptsPage = serde_json::from_str(text).unwrap();
        let arguments = page.prompts[1].arguments.as_ref().unwrap();
        assert_eq!((arguments[0].required, arguments[1].required), (Some(true), None));
        assert!(serde_json::from_str::<ResourcesPage>(r#"{"resources":[{"uri":"a"}]}"#).is_err());
        assert!(serde_json::from_str::<ResourcesPage>(r#"{"resources":["a"]}"#).is_err());
        assert!(serde_json::from_str::<TemplatesPage>(r#"{"resources":[]}"#).is_err());
        assert!(serde_json::from_str::<PromptsPage>(r#"{"prompts":[{}]}"#).is_err());
    }
}
