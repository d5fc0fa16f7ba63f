"""Language models: one adapter for OpenVINO, one for transformers, and a deterministic one that needs no model."""
