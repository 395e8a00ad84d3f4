;; What is known of a name in a namespace, as text: a map of keywords to texts, or nil.
;; Namespaces are looked at; nothing is evaluated, loaded or resolved. Clojure 1.10 or newer.
(let [wanted  (symbol PREPL-SYMBOL)
      here    (or (find-ns (symbol PREPL-NAMESPACE)) (find-ns 'user) *ns*)
      scope   (some-> (namespace wanted) symbol)
      space   (when scope (or (get (ns-aliases here) scope) (find-ns scope)))
      found   (cond space       (get (ns-interns space) (symbol (name wanted)))
                    (not scope) (get (ns-map here) wanted))
      special (when (contains? clojure.lang.Compiler/specials wanted)
                (-> (some-> (find-ns 'clojure.repl) ns-interns (get 'special-doc-map) deref (get wanted))
                    (assoc :ns "clojure.core" :name wanted :special-form true)))
      about   (or special (when (var? found) (meta found)))
      clip    (fn [limit text] (subs text 0 (min limit (count text))))
      told    (fn [value] (clip 16384 (if (string? value) value (str value))))
      lists   (or (:arglists about) (:forms about))]
  (binding [*print-length* 100 *print-level* 10 *print-dup* nil *print-readably* true *print-meta* nil]
    (when about
      (pr-str (cond-> (into {} (for [[key value] (select-keys about [:ns :name :doc :file :line :column :macro
                                                                     :special-form :added :deprecated])
                                     :when value]
                                 [key (told value)]))
                (seq lists) (assoc :arglists (vec (for [arguments (take 50 lists)]
                                                    (clip 400 (pr-str arguments))))))))))
