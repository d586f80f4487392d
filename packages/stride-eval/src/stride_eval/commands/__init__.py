"""Commands of ``stride-eval`` beside the scoring."""
