"""The chains that are measured: each starts on free ports, keeps its data in its own folder, ends with us."""
