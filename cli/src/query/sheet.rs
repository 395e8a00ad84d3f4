//! One replica's answer as rows, or why it has none.

use prepl_fold::Value;

/// Most columns of one answer.
pub const MAX_COLUMNS: usize = 256;

/// The rows of one answer, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The columns in the order in which they came.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Row>,
    /// There is more, which the app or this limit cut off.
    pub cut: bool,
    /// Values in it, nested ones counted.
    pub size: usize,
}

/// What is known of a row: places among the columns of its sheet, and what stands there.
pub type Row = Vec<(usize, Value)>;

/// A column by its head, and how many of the same head stand before it in a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    /// A key without its colon, or what the app or the query calls it.
    pub head: String,
    /// 0 for the first of this head.
    pub nth: usize,
}

/// Why an answer is no table.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum NoTable {
    /// No value came.
    #[error("it gave no value; the expression of the template has to give the rows")]
    Nothing,
    /// The text was cut where it was made.
    #[error(
        "its answer is larger than the limit of bytes and was cut; ask for fewer rows or columns, \
         or raise --limit-bytes"
    )]
    Cut,
    /// The text is no value that is known here.
    #[error("its answer cannot be read as EDN or JSON; prepl exec shows it")]
    Unreadable,
    /// Too many columns.
    #[error("its answer has more than {MAX_COLUMNS} columns; ask for fewer")]
    Wide,
    /// The table of all replicas is too large.
    #[error("all answers together are too many; ask for fewer rows or columns, or fewer replicas")]
    Large,
}
