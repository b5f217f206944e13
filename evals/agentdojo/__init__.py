"""AgentDojo's banking and slack suites, played by an obedient victim behind the guards of the service."""
