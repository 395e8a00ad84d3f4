//! What can be told of a Clojure text without evaluating it.
//!
//! Where its forms begin and end, what its words are, which bracket closes which, what namespace
//! it declares, and whether it can be read at all. Scheme's syntax is near enough that all but the
//! namespace holds for it as well. Every function takes any text, and what is not understood is
//! left to the runtime, which has the last word.
//!
//! This crate must not know: I/O, values, runtimes.
//!
//! Reading order: `token` words and brackets · `whole` whether a text can be read · `forms`
//! its top-level forms · `matching` a bracket's partner · `tree` forms as a tree · `ns` the
//! namespace a file declares · `literal` a text as a literal.

mod forms;
mod literal;
mod matching;
mod ns;
mod token;
mod tree;
mod whole;

pub use forms::{continues, forms};
pub use literal::text_literal;
pub use matching::matching;
pub use ns::{NsForm, ns_form};
pub use token::{Bracket, Kind, Mark, Token, tokens};
pub use whole::{Flaw, Opened, Place, flaw};
