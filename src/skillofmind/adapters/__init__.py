"""The planner inside agents that run in this process: one line each.

- `openai_client`: `plan_first(client, planner)` for the clients of the `openai` package.
- `langchain`: `PlannerMiddleware` for `create_agent`, `planned_chat` for a chat model by itself.
- `smolagents`: `PlannedModel` around any model of smolagents.
- `callables`: `planned_callable` for functions from messages to text.

Each imports its library when it is itself imported; none is needed by the rest of the package.
"""
