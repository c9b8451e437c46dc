//! A result read in one pass together with the marks that an era or a task puts beside it.
//!
//! ```text
//! {"resultType":"complete","content":[..],"ttlMs":5}
//!   └── mark ───────────┘  └─ result ──┘  └ mark ┘
//! ```
//! What a result lacks is only known at its end, when all marks have been seen: they may say that
//! it is no such result, but a question or a task.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::message::Text;

/// Members of a result that are not its own.
pub(super) trait Marks<'de>: Default {
    /// Takes the value of the member `name`, if it is a mark.
    fn take<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// A result and its marks.
#[derive(Debug)]
pub(super) struct Marked<M, R> {
    pub(super) marks: M,
    /// The result, or what it lacks.
    pub(super) result: Result<R, String>,
}

impl<'de, M: Marks<'de>, R: Deserialize<'de>> Deserialize<'de> for Marked<M, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<M, R>(PhantomData<(M, R)>);
        impl<'de, M: Marks<'de>, R: Deserialize<'de>> Visitor<'de> for Members<M, R> {
            type Value = Marked<M, R>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Marked<M, R>, A::Error> {
                let mut marks = M::default();
                let mut is_read = false;
                let sieve = Sieve { map, marks: &mut marks, is_read: &mut is_read };
                let result = R::deserialize(Unmarked(sieve));
                match result {
                    Err(error) if !is_read => Err(error),
                    result => Ok(Marked { marks, result: result.map_err(|e| e.to_string()) }),
                }
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// The map without its marks.
struct Sieve<'m, A, M> {
    map: A,
    marks: &'m mut M,
    /// Set when the last member has been read.
    is_read: &'m mut bool,
}

impl<'de, A: MapAccess<'de>, M: Marks<'de>> MapAccess<'de> for Sieve<'_, A, M> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(Text(name)) = self.map.next_key()? {
            if !self.marks.take(&name, &mut self.map)? {
                return seed.deserialize(CowStrDeserializer::new(name)).map(Some);
            }
        }
        *self.is_read = true;
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// The map without its marks, as the result reads it: members that lack are an error at the end
/// only.
struct Unmarked<A>(A);

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Unmarked<A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_map(self.0)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}
