import { render } from 'preact'
import { App } from './app'
import './style/page.css'
import './style/talk.css'
import './style/dialogs.css'

const page = document.getElementById('page')
if (page) render(<App />, page)
