"""What this project keeps on a Prefect server or in a Prefect Cloud workspace, declared as code
(see apply.py).
"""
