"""The page: `streamlit run ui/app.py`. Screens are thin; all work is in `workbench`."""
