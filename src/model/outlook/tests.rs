//! Small plans whose every figure can be counted by hand, and what holds for all plans.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
