"""One file a study: its question, assumptions, parameters with sources, result, figure, trust."""
