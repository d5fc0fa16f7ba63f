"""Embedding models: one adapter for OpenVINO, one for torch, and a deterministic one that needs no model."""
