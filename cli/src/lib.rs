//! prepl: arguments in, rendered answers out.
