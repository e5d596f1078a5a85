//! What a model is asked: versioned templates and the schema of the answer.
