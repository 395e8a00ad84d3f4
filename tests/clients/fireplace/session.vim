" What a person does with vim-fireplace, in batch. Reads $PORT and $FILE (a Clojure file), writes
" one line `step: what was seen` for each step to $TOLD.

let s:told = []

function! s:Tell(step, seen) abort
  call add(s:told, a:step . ': ' . (type(a:seen) == v:t_string ? a:seen : json_encode(a:seen)))
endfunction

function! s:Eval(step, code) abort
  try
    call s:Tell(a:step, join(fireplace#eval(a:code), ' '))
  catch
    call s:Tell(a:step, 'thrown ' . v:exception)
  endtry
endfunction

function! s:Words(answer) abort
  return map(copy(get(a:answer, 'completions', [])), 'v:val.candidate')
endfunction

function! s:Interrupt() abort
  let session = fireplace#native().session
  let seen = {'status': []}
  let message = fireplace#message({'op': 'eval', 'code': '(Thread/sleep 60000)'},
        \ {answer -> extend(seen.status, get(answer, 'status', []))})
  " Until it runs there is nothing to interrupt.
  sleep 500m
  call fireplace#interrupt(message)
  call fireplace#wait(message, 20000)
  call s:Tell('interrupt', join(uniq(sort(seen.status)), ' '))
endfunction

function! s:Session() abort
  execute 'FireplaceConnect ' . $PORT . ' ' . fnamemodify($FILE, ':p:h')
  call s:Tell('connected', fireplace#op_available('eval') ? 'yes' : 'no')
  let loaded = fireplace#message({'op': 'load-file', 'ns': 'user', 'file': join(readfile($FILE), "\n") . "\n",
        \ 'file-path': $FILE, 'file-name': fnamemodify($FILE, ':t')}, v:t_dict)
  call s:Tell('load', get(loaded, 'value', loaded))
  call s:Eval('eval', '(+ 40 2)')
  call s:Eval('throw', '(/ 1 0)')
  call s:Eval('loaded', '(client.sample/twice 21)')
  " The plug-in itself completes by cider-nrepl's op; nREPL's own takes the prefix.
  let completed = fireplace#message({'op': fireplace#op_available('complete') ? 'complete' : 'completions',
        \ 'symbol': 'twi', 'prefix': 'twi'}, v:t_dict)
  call s:Tell('complete', s:Words(completed))
  call s:Tell('info', get(fireplace#info('client.sample/twice'), 'doc', 'nothing'))
  call s:Interrupt()
  call s:Eval('after', '(+ 1 1)')
  call fireplace#native().transport.Close()
endfunction

try
  execute 'set runtimepath+=' . $PLUGIN
  runtime plugin/fireplace.vim
  execute 'edit ' . $FILE
  call s:Session()
catch
  call s:Tell('failed', v:exception . ' at ' . v:throwpoint)
endtry
call writefile(s:told, $TOLD)
qall!
