//! The exhibits by name, and what those that ask their client ask.

use super::super::client::Capability;
use super::super::inquiry::{Inquiry, Question};
use super::super::stream::Change;
use super::{Act, Exhibit};

/// All of them. Names: the official conformance suite's.
pub static EXHIBITS: [Exhibit; 31] = [
    shows("test_simple_text"),
    shows("test_image_content"),
    shows("test_audio_content"),
    shows("test_embedded_resource"),
    shows("test_resource_link"),
    shows("test_multiple_content_types"),
    shows("test_error_handling"),
    shows("json_schema_2020_12_tool"),
    does("test_structured_content", Act::Weather),
    does("test_header_parameter", Act::Region),
    does("test_tool_with_logging", Act::Logs),
    does("test_logging_tool", Act::Logs),
    does("test_tool_with_progress", Act::Progress),
    does("test_reconnection", Act::HangsUp),
    does("test_trigger_tool_change", Act::Changes(Change::Tools)),
    does("test_trigger_prompt_change", Act::Changes(Change::Prompts)),
    does("test_touch_resource", Act::Touches),
    asks("test_sampling", "LLM response:", &[&[MODEL]]),
    asks("test_missing_capability", "LLM response:", &[&[MODEL]]),
    asks("test_elicitation", "User response:", &[&[USER]]),
    asks("test_elicitation_sep1034_defaults", "Elicitation completed:", &[&[DEFAULTS]]),
    asks("test_elicitation_sep1330_enums", "Elicitation completed:", &[&[ENUMS]]),
    asks("test_streaming_elicitation", "Elicitation completed:", &[&[CONFIRM]]),
    asks("test_input_required_result_elicitation", "Hello,", &[&[NAME]]),
    asks("test_input_required_result_sampling", "LLM response:", &[&[CAPITAL]]),
    asks("test_input_required_result_list_roots", "Roots:", &[&[ROOTS]]),
    sealed("test_input_required_result_request_state", "state-ok", &[&[CONFIRM]]),
    sealed("test_input_required_result_tampered_state", "state-ok", &[&[CONFIRM]]),
    sealed("test_input_required_result_multiple_inputs", "All of it:", &[&[NAME, GREETING, ROOTS]]),
    sealed("test_input_required_result_multi_round", "Both of it:", &[&[STEP_1], &[STEP_2]]),
    Exhibit {
        name: "test_input_required_result_capabilities",
        act: Act::Asks(Inquiry {
            rounds: &[&[NAME, GREETING, ROOTS]],
            sealed: false,
            modest: true,
            says: "What you can answer:",
        }),
    },
];

const fn does(name: &'static str, act: Act) -> Exhibit {
    Exhibit { name, act }
}

const fn shows(name: &'static str) -> Exhibit {
    does(name, Act::Shows)
}

const fn asks(
    name: &'static str,
    says: &'static str,
    rounds: &'static [&'static [Question]],
) -> Exhibit {
    does(name, Act::Asks(Inquiry { rounds, sealed: false, modest: false, says }))
}

const fn sealed(
    name: &'static str,
    says: &'static str,
    rounds: &'static [&'static [Question]],
) -> Exhibit {
    does(name, Act::Asks(Inquiry { rounds, sealed: true, modest: false, says }))
}

const MODEL: Question = Question {
    key: "model",
    capability: Capability::Sampling,
    params: concat!(
        r#"{"messages":[{"role":"user","content":{"type":"text","text":"{message}"}}],"#,
        r#""maxTokens":100}"#,
    ),
};

const CAPITAL: Question = Question {
    key: "capital_question",
    capability: Capability::Sampling,
    params: concat!(
        r#"{"messages":[{"role":"user","content":{"type":"text","#,
        r#""text":"What is the capital of France?"}}],"maxTokens":100}"#,
    ),
};

const GREETING: Question = Question {
    key: "greeting",
    capability: Capability::Sampling,
    params: concat!(
        r#"{"messages":[{"role":"user","content":{"type":"text","#,
        r#""text":"Generate a greeting"}}],"maxTokens":50}"#,
    ),
};

const ROOTS: Question =
    Question { key: "client_roots", capability: Capability::Roots, params: "{}" };

const USER: Question = Question {
    key: "user",
    capability: Capability::Elicitation,
    params: concat!(
        r#"{"message":"{message}","requestedSchema":{"type":"object","properties":{"#,
        r#""username":{"type":"string","description":"User's response"},"#,
        r#""email":{"type":"string","description":"User's email address"}},"#,
        r#""required":["username","email"]}}"#,
    ),
};

const NAME: Question = Question {
    key: "user_name",
    capability: Capability::Elicitation,
    params: concat!(
        r#"{"message":"What is your name?","requestedSchema":{"type":"object","#,
        r#""properties":{"name":{"type":"string"}},"required":["name"]}}"#,
    ),
};

const CONFIRM: Question = Question {
    key: "confirm",
    capability: Capability::Elicitation,
    params: concat!(
        r#"{"message":"Please confirm","requestedSchema":{"type":"object","#,
        r#""properties":{"ok":{"type":"boolean"}},"required":["ok"]}}"#,
    ),
};

const STEP_1: Question = Question {
    key: "step1",
    capability: Capability::Elicitation,
    params: concat!(
        r#"{"message":"Step 1: What is your name?","requestedSchema":{"type":"object","#,
        r#""properties":{"name":{"type":"string"}},"required":["name"]}}"#,
    ),
};

const STEP_2: Question = Question {
    key: "step2",
    capability: Capability::Elicitation,
    params: concat!(
        r#"{"message":"Step 2: What is your favorite color?","requestedSchema":{"#,
        r#""type":"object","properties":{"color":{"type":"string"}},"required":["color"]}}"#,
    ),
};

const DEFAULTS: Question = Question {
    key: "form",
    capability: Capability::Elicitation,
    params: concat!(
        r#"{"message":"Please review and update the form fields with defaults","#,
        r#""requestedSchema":{"type":"object","properties":{"#,
        r#""name":{"type":"string","default":"John Doe"},"#,
        r#""age":{"type":"integer","default":30},"#,
        r#""score":{"type":"number","default":95.5},"#,
        r#""status":{"type":"string","enum":["active","inactive","pending"],"#,
        r#""default":"active"},"#,
        r#""verified":{"type":"boolean","default":true}},"required":[]}}"#,
    ),
};

const ENUMS: Question = Question {
    key: "form",
    capability: Capability::Elicitation,
    params: concat!(
        r#"{"message":"Please choose","requestedSchema":{"type":"object","properties":{"#,
        r#""untitledSingle":{"type":"string","enum":["option1","option2","option3"]},"#,
        r#""titledSingle":{"type":"string","oneOf":[{"const":"value1","title":"First Option"},"#,
        r#"{"const":"value2","title":"Second Option"}]},"#,
        r#""legacyEnum":{"type":"string","enum":["opt1","opt2"],"#,
        r#""enumNames":["Option One","Option Two"]},"#,
        r#""untitledMulti":{"type":"array","items":{"type":"string","#,
        r#""enum":["option1","option2","option3"]}},"#,
        r#""titledMulti":{"type":"array","items":{"anyOf":[{"const":"value1","#,
        r#""title":"First Choice"},{"const":"value2","title":"Second Choice"}]}}},"#,
        r#""required":[]}}"#,
    ),
};
