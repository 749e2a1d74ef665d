"""Load on the shared page: many sessions browse large galleries while one trains and some draw.

server.py    the shared server: accounts, galleries, the training, all its processes
window.py    one browser window, by Streamlit's own protocol
visitor.py   one session: it walks, and looks for markers of its own and of others
memory.py    the memory of all processes over time
report.py    the table
__main__.py  the command
"""
