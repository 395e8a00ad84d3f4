(fn [function body]
  ;; Calls body within a function of the app that takes one: once, on this thread, or not at all.
  ;; Gives {:value what body gave}, or {:refused why} when nothing of it ran. Throws what body threw
  ;; even where the function would rather not, and what the function throws after it.
  (let [own    (Thread/currentThread)
        begun? (atom false)
        ended  (atom nil)
        once   (fn []
                 (when-not (and (identical? own (Thread/currentThread))
                                (compare-and-set! begun? false true))
                   (throw (IllegalStateException.
                           "what it is given can be called once, on the thread that it is called on")))
                 (try
                   (reset! ended {:value (body)})
                   nil
                   (catch Throwable thrown
                     (reset! ended {:thrown thrown})
                     (throw thrown))))
        failed (try
                 ((or (requiring-resolve (symbol function))
                      (throw (IllegalStateException. "there is no such function")))
                  once)
                 nil
                 (catch Throwable thrown thrown))
        why    (when failed (str ": " (.getMessage ^Throwable failed)))
        thrown (or (:thrown @ended) failed)]
    (cond
      (not @begun?) {:refused (str function " did not call what it was given"
                                   (subs (str why) 0 (min 1000 (count (str why)))))}
      thrown        (throw thrown)
      :else         @ended)))
