//! How much one evaluation may use.

use std::time::Duration;

/// What one evaluation may use, and one session may keep.
///
/// Nothing is without a limit: a zero counts as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Wall time of one evaluation.
    pub wall: Duration,
    /// Steps of the engine in one evaluation.
    pub operations: u64,
    /// Bytes of the text to evaluate.
    pub text_bytes: usize,
    /// Bytes of one string, and of all strings within one value.
    pub string_bytes: usize,
    /// Elements of one array, those of inner arrays counted.
    pub array_size: usize,
    /// Entries of one map, those of inner maps counted.
    pub map_size: usize,
    /// Levels of nesting in the text.
    pub expression_depth: usize,
    /// Levels of calls.
    pub call_levels: usize,
    /// Variables a session keeps.
    pub variables: usize,
    /// Functions a session keeps.
    pub functions: usize,
    /// Bytes by which the process may grow during one evaluation.
    pub memory_bytes: u64,
    /// Bytes of what one evaluation prints, one for each line end.
    pub output_bytes: usize,
    /// Bytes of the printed result.
    pub value_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(5),
            operations: 50_000_000,
            text_bytes: 64 << 10,
            string_bytes: 1 << 20,
            array_size: 10_000,
            map_size: 10_000,
            expression_depth: 32,
            call_levels: 32,
            variables: 128,
            functions: 128,
            memory_bytes: 256 << 20,
            output_bytes: 256 << 10,
            value_bytes: 256 << 10,
        }
    }
}

/// What the caller of one evaluation allows; the [`Limits`] hold besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Wall time.
    pub wall: Duration,
    /// Bytes of what it prints, one for each line end.
    pub output_bytes: usize,
    /// Bytes of the printed result.
    pub value_bytes: usize,
    /// It may ask no HTTP server: what a GET does there is that server's matter.
    pub read_only: bool,
}

impl Bounds {
    /// Allows whatever the limits of the engine do.
    pub const NONE: Self = Self {
        wall: Duration::MAX,
        output_bytes: usize::MAX,
        value_bytes: usize::MAX,
        read_only: false,
    };

    pub(crate) fn at_most(self, limits: &Limits) -> Self {
        Self {
            wall: self.wall.min(limits.wall),
            output_bytes: self.output_bytes.min(limits.output_bytes),
            value_bytes: self.value_bytes.min(limits.value_bytes),
            read_only: self.read_only,
        }
    }
}

impl Limits {
    pub(crate) fn apply(&self, engine: &mut rhai::Engine) {
        engine
            .set_max_operations(self.operations.max(1))
            .set_max_string_size(self.string_bytes.max(1))
            .set_max_array_size(self.array_size.max(1))
            .set_max_map_size(self.map_size.max(1))
            .set_max_expr_depths(self.expression_depth.max(1), self.expression_depth.max(1))
            .set_max_call_levels(self.call_levels.max(1))
            .set_max_variables(self.variables.max(1))
            .set_max_functions(self.functions.max(1));
    }
}
