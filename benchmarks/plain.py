"""The search most tutorials build: a FastAPI handler, SentenceTransformer.encode, FAISS.

python -m benchmarks.plain CORPUS MODEL PORT
"""

import sys
from pathlib import Path

import faiss
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from app.adapters.evaluation_files import read_corpus


class Question(BaseModel):
    """A search."""

    query: str
    top_k: int = 4


def create(corpus: Path, model_folder: str) -> FastAPI:
    """Embed the corpus and return the application."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds to import

    documents = read_corpus(corpus, ("title", "text"))
    model = SentenceTransformer(model_folder, device="cpu", local_files_only=True)
    texts = [f"{document.title}\n{document.sections[0].text}" for document in documents]
    vectors = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    app = FastAPI()

    @app.post("/search")
    def search(question: Question) -> list[dict[str, str | float]]:
        vector = model.encode([question.query], normalize_embeddings=True, show_progress_bar=False)
        scores, rows = index.search(vector, question.top_k)
        return [
            {"title": documents[row].title, "text": documents[row].sections[0].text, "score": float(score)}
            for row, score in zip(rows[0], scores[0], strict=True)
        ]

    @app.get("/ready")
    def ready() -> str:
        return "yes"

    return app


if __name__ == "__main__":
    uvicorn.run(create(Path(sys.argv[1]), sys.argv[2]), port=int(sys.argv[3]), log_level="warning")
