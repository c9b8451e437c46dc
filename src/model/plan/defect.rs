//! How defects are declared: each a word, a sentence, and a place in a set.

/// An enum of defects, and a set of them; a defect's documentation is what people are told of it.
macro_rules! defects {
    (
        $(#[doc = $about:literal])+ $Defect:ident;
        $(#[doc = $set:literal])+ $Defects:ident;
        $($(#[doc = $doc:literal])+ $name:ident = $word:literal,)+
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $Defect {
            $($(#[doc = $doc])+ $name,)+
        }

        impl $Defect {
            /// Every defect, by its word.
            pub const WORDS: [(&'static str, Self); [$($word),+].len()] =
                [$(($word, Self::$name)),+];

            /// Its word in scenarios.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// What is wrong, in a sentence.
            pub fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_start(),)+
                }
            }
        }

        $(#[doc = $set])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $Defects {
            has: [bool; $Defect::WORDS.len()],
        }

        impl Default for $Defects {
            /// None of them.
            fn default() -> Self {
                Self { has: [false; $Defect::WORDS.len()] }
            }
        }

        impl $Defects {
            /// Whether it has this one.
            pub const fn has(&self, defect: $Defect) -> bool {
                self.has[defect as usize]
            }

            /// Those it has, in their order.
            pub fn list(&self) -> impl Iterator<Item = $Defect> {
                let all = $Defect::WORDS.into_iter().map(|(_, defect)| defect);
                all.filter(|defect| self.has(*defect))
            }
        }

        impl FromIterator<$Defect> for $Defects {
            fn from_iter<I: IntoIterator<Item = $Defect>>(defects: I) -> Self {
                let mut has = [false; $Defect::WORDS.len()];
                defects.into_iter().for_each(|defect| has[defect as usize] = true);
                Self { has }
            }
        }
    };
}

pub(super) use defects;
