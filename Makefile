.PHONY: format lint types arch test test-thorough eval attacks chaos bench eval-agentdojo catalog run check
format: ## Format all code.
	uv run ruff format .
lint: ## Check format and lint.
	uv run ruff format --check . && uv run ruff check .
types: ## Check types, strictly.
	uv run mypy
arch: ## Check that imports point down.
	uv run lint-imports
test: ## Run all tests.
	uv run pytest
test-thorough: ## Run all tests with all cases on both databases, the attacks in full size.
	uv run pytest --thorough
eval: ## Play all suites with the offline model and hold it to the thresholds.
	uv run countersign eval --thresholds evals/suites/thresholds.yaml --json eval.json --html eval.html
attacks: ## Run the attack bench in full.
	uv run countersign eval attacks
chaos: ## Kill processes at random while people work, in full.
	uv run countersign eval chaos
bench: ## Measure, and print the ratios.
	uv run python -m bench
eval-agentdojo: ## Let an obedient victim loose behind the guards, with AgentDojo's tasks and attacks.
	uv run --with agentdojo==0.1.35 python -m evals.agentdojo
catalog: ## Write docs/tools.md and the drawings in docs/workflows.md from the declarations.
	uv run python -c "from tools._catalogue import describe_catalogue; print(describe_catalogue(), end='')" > docs/tools.md
	uv run python -c "from pathlib import Path; from graphs.workflows._drawing import write_workflows; write_workflows(Path('docs/workflows.md'))"
run: ## Start the demo.
	uv run countersign demo
check: lint types arch test ## What CI runs.
