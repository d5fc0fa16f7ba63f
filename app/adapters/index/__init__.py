"""Index releases on disk: FAISS for vectors, BM25 for words, a manifest over both."""
