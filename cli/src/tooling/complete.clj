;; The names that begin with a prefix in a namespace, as text: [[name kind] ...], sorted, 200 at most.
;; Namespaces are looked at; nothing is evaluated, loaded or resolved. Clojure 1.10 or newer.
(let [prefix  PREPL-PREFIX
      here    (or (find-ns (symbol PREPL-NAMESPACE)) (find-ns 'user) *ns*)
      [_ scope start] (re-matches #"(?s)(?:([^/]+)/)?(.*)" prefix)
      begins? (fn [[^String name]] (.startsWith name start))
      kind    (fn [found]
                (cond (class? found)             "class"
                      (:macro (meta found))      "macro"
                      (:arglists (meta found))   "function"
                      :else                      "var"))
      mapped  (fn [names] (for [[name found] names] [(str name) (kind found)]))
      named   (fn [kind names] (for [name names] [(str name) kind]))
      statics (fn [kind members]
                (for [^java.lang.reflect.Member member members
                      :when (java.lang.reflect.Modifier/isStatic (.getModifiers member))]
                  [(.getName member) kind]))
      within  (fn [scope]
                (let [imported (get (ns-imports here) scope)]
                  (if-let [space (or (get (ns-aliases here) scope) (find-ns scope))]
                    (mapped (ns-publics space))
                    (when (class? imported)
                      (concat (statics "static-method" (.getMethods ^Class imported))
                              (statics "static-field" (.getFields ^Class imported)))))))
      all     (fn []
                (concat (mapped (ns-map here))
                        (named "namespace" (keys (ns-aliases here)))
                        (named "namespace" (map ns-name (all-ns)))
                        (named "special-form" (remove namespace (keys clojure.lang.Compiler/specials)))))
      found   (if scope
                (for [[name kind] (filter begins? (within (symbol scope)))] [(str scope "/" name) kind])
                (filter begins? (all)))]
  (binding [*print-length* nil *print-level* nil *print-dup* nil *print-readably* true]
    (pr-str (take 200 (sort (distinct found))))))
