"""What performs the roles' decisions: the runner, its journal, and a workbench for each role."""
