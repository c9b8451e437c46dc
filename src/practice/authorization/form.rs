//! The parameters of a query or of a form, as OAuth has them: each at most once, and an empty one
//! is none. (RFC 6749 sections 3.1 and 3.2, RFC 8707 section 2.)

use url::form_urlencoded;

use super::refused::Refused;

/// The one parameter that may stand several times.
const SEVERAL: &str = "resource";
/// The most parameters that are read.
const MOST: usize = 64;

/// Parameters that were read.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a query or the body of a form.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Refused> {
        let mut read: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(bytes).filter(|(_, value)| !value.is_empty()) {
            if name != SEVERAL && read.iter().any(|(known, _)| *known == name) {
                return Err(Refused::request("a parameter stands twice (RFC 6749 section 3.1)"));
            }
            if read.len() == MOST {
                return Err(Refused::request("more than 64 parameters"));
            }
            read.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(read))
    }

    /// A parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a parameter.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that must be there.
    pub(super) fn need(&self, name: &str) -> Result<&str, Refused> {
        self.get(name).ok_or_else(|| Refused::request(format!("`{name}` is missing")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_once() {
        let form = Form::read(b"a=1%202&b=&resource=x&resource=y").unwrap();
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), (Some("1 2"), None, None));
        assert_eq!(form.all("resource").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(Form::read(b"a=1&a=1").unwrap_err().error, "invalid_request");
        let many = (0..65).map(|at| format!("p{at}=1")).collect::<Vec<_>>().join("&");
        assert!(Form::read(many.as_bytes()).is_err());
    }
}
